/** What a delivery, or what was asked about one, came to, where no error says it. Closed set. */
export type OutcomeCode =
  | 'REFUSED' // The destination refuses the instance for good, with the status that is shown.
  | 'DUPLICATE' // The destination has one of that SOP Instance UID, and is set to count that as an error.
  | 'OUT_OF_RESOURCES' // The destination has no room, or no time, for it now.
  | 'PROCESSING_FAILURE' // The destination stumbled over it, and may take it later.
  | 'PROTOCOL_ERROR' // The answer is none that the standard knows here.
  | 'NO_STORE_SERVICE' // There is no DICOMweb store service at the URL of the destination.
  | 'NOT_AUTHORIZED' // The destination does not let us store: the settings of the sign-in, or the rights there, are wrong.
  | 'NO_ANSWER_BEHIND' // A proxy answers, the server behind it did not in time.
  | 'TOO_LARGE' // The instance is larger than the destination, or a proxy before it, takes.
  | 'MEDIA_TYPE_REFUSED' // The destination takes no instances of this transfer syntax.
  | 'BUCKET_UNUSABLE' // Bucket, region or endpoint of the settings are not right.
  | 'CLOCK_SKEWED' // The clocks of this machine and of the server are too far apart.
  | 'UPLOAD_GARBLED' // The server did not get what was sent.
  | 'STOPPED' // The gateway stopped in the middle; it is sent again after the next start.
  | 'INTERNAL_ERROR' // A fault in this program, of which the log says more.
  | 'NOT_COMMITTED' // The destination reports that it does not have the instance, though it took it.
  | 'COMMITMENT_NOT_ACCEPTED' // The destination provides no Storage Commitment.
  | 'COMMITMENT_REFUSED' // The destination answered the request to commit with a failure.
  | 'COMMITMENT_NOT_REPORTED'; // The destination was asked to commit again and again, and never reported.
