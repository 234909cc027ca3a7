import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';
import { Windows } from '../schedule/windows.ts';
import { OtherContent } from '../spool/spool.ts';
import {
  FINGERPRINT,
  matchesSubject,
  normalizeFingerprint,
  type PeerCertificate,
  parseSubject,
} from '../tls/peer-certificate.ts';
import { CommitmentSettings } from './commitment-settings.ts';
import { hostMatcher, isHostRange } from './hosts.ts';

/** What a caller is called that no source names. */
export const UNKNOWN_SOURCE = 'unknown';

const CertificateSettings = z
  .strictObject({
    subject: z
      .string()
      .refine((text) => parseSubject(text) !== undefined, 'must be such as "CN=CT1, O=General Hospital"')
      .optional()
      .describe(
        'What the subject of the certificate must hold, such as "CN=CT1, O=General Hospital". Commas within a value ' +
          'stand behind a backslash. The certificate must come from an authority of the `tls.ca` of the input.',
      ),
    sha256: z
      .string()
      .regex(FINGERPRINT, 'must be 64 hexadecimal digits, colons or not')
      .optional()
      .describe('SHA-256 fingerprint that the certificate must have.'),
  })
  .refine(({ subject, sha256 }) => subject !== undefined || sha256 !== undefined, {
    message: 'must name a subject or a fingerprint (sha256)',
  });

export const SourceSettings = z
  .strictObject({
    ae_title: AeTitle.optional().describe(
      'AE title that the source calls itself; any, when absent. Callers over HTTP have none.',
    ),
    hosts: z
      .array(
        z.string().refine(isHostRange, 'must be an address such as 10.0.0.5 or a range such as 10.0.0.0/24'),
      )
      .default([])
      .describe('Addresses and ranges that the source calls from; any, when there are none.'),
    certificate: CertificateSettings.optional().describe(
      'Certificate that the source shows over TLS; without one it is not this source.',
    ),
    associations_max: z
      .int()
      .min(1)
      .optional()
      .describe('Associations of the source open at the same time; one more is rejected for the moment.'),
    associations_per_minute_max: z
      .int()
      .min(1)
      .optional()
      .describe('Associations of the source begun within a minute; one more is rejected for the moment.'),
    instances_per_s_max: z
      .number()
      .positive()
      .optional()
      .describe(
        'Instances taken from the source per second; it waits longer for its responses where it sends more.',
      ),
    other_content: OtherContent.optional().describe(
      'What becomes of an instance of the source when another data set of the same SOP Instance UID is here: as ' +
        '`spool.other_content` says, when absent. A source that corrects what it sent may want `replace`.',
    ),
    commitment: CommitmentSettings.optional().describe(
      'Where reports go when the source asks for storage commitment. Without it a report waits until the source ' +
        'associates again.',
    ),
    silent_after: Duration.optional().describe(
      'A notice tells when the source has sent nothing for so long, such as 2h; see `notify`. Two weeks at most.',
    ),
    working_hours: Windows.optional().describe(
      'When the source is expected to send; always, when there are none. Silence counts from their beginning.',
    ),
  })
  .refine(
    (source) => source.ae_title !== undefined || source.hosts.length > 0 || source.certificate !== undefined,
    {
      message: 'must say how the source is known: ae_title, hosts or certificate',
    },
  );
export type SourceSettings = z.infer<typeof SourceSettings>;

/** What is known of a caller before it has sent anything. */
export interface SourceCaller {
  /** Without the spaces around it; absent where the protocol has none. */
  readonly callingAeTitle?: string;
  readonly peerAddress: string;
  /** Shown over TLS, and found good. */
  readonly certificate?: PeerCertificate;
}

/** A caller that the configuration names. */
export interface NamedSource {
  readonly name: string;
  matches(caller: SourceCaller): boolean;
  /** What else a caller with the AE title of the source would need; undefined where that is not its title. */
  lacking(caller: SourceCaller): readonly ('host' | 'certificate')[] | undefined;
}

export function namedSources(settings: Readonly<Record<string, SourceSettings>>): readonly NamedSource[] {
  return Object.entries(settings).map(([name, source]) => {
    const aeTitle = source.ae_title?.trim();
    const matchesHost = source.hosts.length === 0 ? () => true : hostMatcher(source.hosts);
    const matchesCertificate = certificateMatcher(source.certificate);
    return {
      name,
      matches: ({ callingAeTitle, peerAddress, certificate }) =>
        (aeTitle === undefined || aeTitle === callingAeTitle) &&
        matchesHost(peerAddress) &&
        matchesCertificate(certificate),
      lacking: ({ callingAeTitle, peerAddress, certificate }) => {
        if (aeTitle === undefined || aeTitle !== callingAeTitle) return undefined;
        const lacks = { host: !matchesHost(peerAddress), certificate: !matchesCertificate(certificate) };
        return (['host', 'certificate'] as const).filter((what) => lacks[what]);
      },
    };
  });
}

function certificateMatcher(
  wanted: SourceSettings['certificate'],
): (certificate: PeerCertificate | undefined) => boolean {
  if (wanted === undefined) return () => true;
  const subject = wanted.subject === undefined ? [] : (parseSubject(wanted.subject) ?? []);
  const fingerprint = wanted.sha256 === undefined ? undefined : normalizeFingerprint(wanted.sha256);
  return (certificate) =>
    certificate !== undefined &&
    matchesSubject(certificate, subject) &&
    (fingerprint === undefined || fingerprint === certificate.fingerprint256);
}
