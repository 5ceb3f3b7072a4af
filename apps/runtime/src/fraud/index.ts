export { incidentMessage, type Incident } from "./incident.ts";
export {
  findIncident,
  insertIncident,
  listIncidents,
  listIncidentsSeenBy,
  listUndecided,
  lockIncident,
  updateIncident,
} from "./store.ts";
