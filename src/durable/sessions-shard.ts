/** The name of the sessions object that holds every tailnet's polls. One for now; later by hash of the tailnet, or of the machine. */
export const SESSIONS_SHARD = "all";
