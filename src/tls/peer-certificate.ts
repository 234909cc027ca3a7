/** What the certificate of a peer says about it. */
import type { X509Certificate } from 'node:crypto';

export interface PeerCertificate {
  /** `CN=CT1, O=General Hospital`: for people. */
  readonly subject: string;
  /** Values of the subject by the short names of their types: CN, O, OU, C. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** SHA-256, upper case with colons. */
  readonly fingerprint256: string;
}

/** A subject as settings write it: these attributes must be there, others may be. */
export type SubjectPattern = readonly (readonly [type: string, value: string])[];

export function peerCertificateOf(certificate: X509Certificate): PeerCertificate {
  const attributes = Object.fromEntries(
    Object.entries(certificate.toLegacyObject().subject ?? {}).map(([type, value]) => [
      type,
      [value ?? []].flat(),
    ]),
  );
  const subject = Object.entries(attributes)
    .flatMap(([type, values]) => values.map((value) => `${type}=${escapeValue(value)}`))
    .join(', ');
  return { subject, attributes, fingerprint256: certificate.fingerprint256 };
}

/**
 * Reads `CN=CT1, O=General Hospital\, East`.
 *
 * @returns undefined when the text is no such list
 */
export function parseSubject(text: string): SubjectPattern | undefined {
  const parts = text.match(/(?:\\.|[^\\,])+/gs) ?? [];
  if (parts.length === 0 || parts.join(',') !== text) return undefined;
  const pattern = parts.flatMap((part) => {
    const [, type = '', value = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*)$/s.exec(part) ?? [];
    const unescaped = value.trimEnd().replace(/\\(.)/gs, '$1');
    return unescaped === '' ? [] : [[type.toUpperCase(), unescaped] as const];
  });
  return pattern.length === parts.length ? pattern : undefined;
}

export function matchesSubject({ attributes }: PeerCertificate, pattern: SubjectPattern): boolean {
  return pattern.every(([type, value]) => attributes[type]?.includes(value) ?? false);
}

/** As Node.js writes fingerprints, whatever the case and with colons or not. */
export function normalizeFingerprint(text: string): string {
  return (text.toUpperCase().match(/[0-9A-F]{2}/g) ?? []).join(':');
}

/** Of fingerprints in settings. */
export const FINGERPRINT = /^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/;

function escapeValue(value: string): string {
  return value.replace(/[\\,]/g, '\\$&').replaceAll(/\p{Cc}/gu, ' ');
}
