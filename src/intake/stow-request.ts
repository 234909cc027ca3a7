/** What a request to the STOW-RS service asks for, from its head alone. Pure. PS3.18 10.5.1. */
import type { IncomingMessage } from 'node:http';
import { isTolerableUid } from '../dicom/uid.ts';
import { accepts, parseMediaType } from './media-type.ts';
import { RESPONSE_MEDIA_TYPES } from './stow-response.ts';
import { type BodyForm, DICOM_MEDIA_TYPE } from './stow-transaction.ts';

/** An answer that is clear before the body has been read. */
export interface Refusal {
  readonly httpStatus: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StoreRequest {
  readonly layout: BodyForm;
  readonly responseForm: 'json' | 'xml';
  readonly studyInstanceUid?: string;
}

const NOT_PROVIDED =
  'This service takes instances (STOW-RS: POST {base}/studies). It answers no queries (QIDO-RS) and gives no ' +
  'instances back (WADO-RS).';

/** Reads the head of a request. */
export function readStoreRequest(
  { method, url, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  settings: { readonly basePath: string; readonly bytesMax: number },
): StoreRequest | Refusal {
  const study = studyOf(url ?? '', settings.basePath);
  if (study === undefined) return { httpStatus: 404, text: NOT_PROVIDED };
  if (method !== 'POST') return { httpStatus: 405, text: NOT_PROVIDED, headers: { allow: 'POST' } };
  if (study !== '' && !isTolerableUid(study)) {
    return { httpStatus: 400, text: 'The Study Instance UID of the URL must be a UID.' };
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return { httpStatus: 415, text: 'The body must come without a Content-Encoding.' };
  }
  const length = Number(headers['content-length'] ?? 0);
  if (length > settings.bytesMax) {
    return { httpStatus: 413, text: `The body must be <= ${settings.bytesMax} bytes: it is ${length}.` };
  }
  const layout = layoutOf(headers['content-type']);
  if ('httpStatus' in layout) return layout;
  const responseForm = (['json', 'xml'] as const).find((form) =>
    accepts(headers.accept, RESPONSE_MEDIA_TYPES[form]),
  );
  if (responseForm === undefined) {
    const text =
      'The answer can be application/dicom+json or application/dicom+xml: Accept must take one of them.';
    return { httpStatus: 406, text };
  }
  return { layout, responseForm, ...(study !== '' && { studyInstanceUid: study }) };
}

/** The study that the path names, empty where it names none; undefined when it is another resource. */
function studyOf(url: string, basePath: string): string | undefined {
  const path = url.replace(/[?#].*$/s, '').replace(/^https?:\/\/[^/]*/i, '');
  if (!path.startsWith(`${basePath}/`)) return undefined;
  const match = /^studies(?:\/([^/]+))?\/?$/.exec(path.slice(basePath.length + 1));
  return match === null ? undefined : (match[1] ?? '');
}

function layoutOf(contentType: string | undefined): BodyForm | Refusal {
  const wanted = `multipart/related; type="${DICOM_MEDIA_TYPE}"; boundary=…`;
  const type = contentType === undefined ? undefined : parseMediaType(contentType);
  if (type?.essence === DICOM_MEDIA_TYPE) return { form: 'single' };
  const rootType = type?.parameters.get('type')?.toLowerCase();
  if (type?.essence !== 'multipart/related' || (rootType !== undefined && rootType !== DICOM_MEDIA_TYPE)) {
    const detail = 'metadata with bulk data (application/dicom+json, +xml) and rendered images are not taken';
    return { httpStatus: 415, text: `The Content-Type must be ${wanted}; ${detail}.` };
  }
  const boundary = type.parameters.get('boundary');
  if (boundary === undefined || boundary === '') {
    return { httpStatus: 400, text: `The Content-Type must name the boundary: ${wanted}.` };
  }
  return { form: 'multipart', boundary, rootType };
}
