export { incidentMessage, type Incident } from "./incident.ts";
export {
  findIncident,
  hasStruck,
  insertIncident,
  listIncidents,
  listIncidentsSeenBy,
  listUndecided,
  lockIncident,
  updateIncident,
} from "./store.ts";
