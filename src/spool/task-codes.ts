/** What a task of the spool bears as its code, where nobody who worked at it has said another. Closed set. */
export type SpoolTaskCode =
  | 'HEADER_DAMAGED' // Held: the data set cannot be read up to its pixel data.
  | 'UID_MISMATCH' // Held: the data set has another SOP class or instance UID than the command said.
  | 'RECOVERED' // Held: a file was found that the database did not know, after a restore or a crash.
  | 'OPERATOR' // Held or discarded by a person, with the reason that they gave.
  | 'RULE' // Discarded as a rule says.
  | 'REPLACED' // Discarded: a later data set of the same SOP Instance UID has taken its place.
  | 'INTERRUPTED' // Of an attempt: the gateway stopped or died during it, and it is made again.
  | 'LEASE_EXPIRED'; // Of an attempt: it took so long that the task was given to another.
