import { type Logger, pino } from 'pino';
import type { LogSettings } from './config.ts';

/** Attributes that name a patient. Events never carry them; this is the second line of defence. */
const PATIENT_KEYWORDS = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'PatientAddress',
  'OtherPatientIDs',
  'AccessionNumber',
  'ReferringPhysicianName',
  'OperatorsName',
  'StudyDescription',
  'SeriesDescription',
  'ImageComments',
  'patientName',
  'patientId',
  'patientBirthDate',
  'accessionNumber',
];

/** Clocks give digits that say nothing and fill the log: microseconds are enough. */
function withRoundedDuration(facts: Record<string, unknown>): Record<string, unknown> {
  const { durationMs } = facts;
  return typeof durationMs === 'number'
    ? { ...facts, durationMs: Math.round(durationMs * 1000) / 1000 }
    : facts;
}

/** One JSON line per event on standard error, so that standard output stays free for `--json`. */
export function createLogger(settings: LogSettings): Logger {
  return pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withRoundedDuration },
      redact: {
        paths: PATIENT_KEYWORDS.flatMap((keyword) => [keyword, `*.${keyword}`, `*.*.${keyword}`]),
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
