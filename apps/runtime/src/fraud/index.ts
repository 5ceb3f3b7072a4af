export { incidentMessage, type Incident } from "./incident.ts";
export {
  findAllegation,
  findIncident,
  findIncidentOf,
  hasStruck,
  insertIncident,
  listIncidents,
  listIncidentsSeenBy,
  listUndecided,
  lockIncident,
  lockOpenDisputes,
  updateIncident,
} from "./store.ts";
