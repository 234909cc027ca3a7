/** What the conformance statement says of inputs that are no Storage SCP: DICOMweb (PS3.2 N.4.3) and files. */
import { markdownTable } from '../config/reference.ts';
import type { ConformanceStatement } from './conformance-statement.ts';

type Inputs = ConformanceStatement['inputs'];

/** Empty where there are no such inputs. */
export function otherInputs({ inputs }: ConformanceStatement): string {
  const of = (kind: string) => Object.entries(inputs).filter(([, input]) => input.kind === kind);
  return [storeService(of('stow-rs')), watchedFolders(of('folder'))]
    .filter((part) => part !== '')
    .join('\n\n');
}

function storeService(services: readonly [string, Inputs[string]][]): string {
  if (services.length === 0) return '';
  const rows = services.map(([name, service]) => [
    name,
    `${service.tls === undefined ? 'http' : 'https'}://${service.host}:${service.port}${service.base_path}`,
    String((service.auth as { kind: string }).kind),
    String(service.request_bytes_max),
    String(service.parts_max),
    String(service.requests_max),
  ]);
  return [
    '## Store Service (STOW-RS), origin server',
    'The Store Transaction of PS3.18 10.5: `POST {base}/studies` and `POST {base}/studies/{study}`. The body is `multipart/related; type="application/dicom"`, or one `application/dicom` instance; with a Content-Length or chunked. Every part is a Part 10 file in any transfer syntax of section 4. Metadata with bulk data (`application/dicom+json`, `application/dicom+xml`) and rendered media types are not taken. The response leaves once every instance is on disk and committed. Data sets are kept and passed on byte for byte; preamble and File Meta Information are written anew.',
    'The response is `application/dicom+json` or `application/dicom+xml`, as Accept says, with Referenced SOP Sequence, Failed SOP Sequence and Other Failures Sequence; Retrieve URL is not sent. Search (QIDO-RS), Retrieve (WADO-RS), Worklist and Capabilities are not provided.',
    markdownTable(
      ['input', 'base', 'sign-in', 'bytes in a request', 'instances', 'requests at a time'],
      rows,
    ),
    markdownTable(['HTTP status', 'meaning'], HTTP_STATUSES),
    markdownTable(['Failure Reason', 'meaning'], FAILURE_REASONS),
    'Warning Reason B007H marks an instance that is stored, and held: its data set is damaged, of another instance than its File Meta Information says, or another than the one that is here under its UID.',
  ].join('\n\n');
}

function watchedFolders(folders: readonly [string, Inputs[string]][]): string {
  if (folders.length === 0) return '';
  const rows = folders.map(([name, { path, source, after }]) => [
    name,
    String(path),
    String(source),
    String(after),
  ]);
  return [
    '## Files',
    'DICOM files (PS3.10) that others put in these folders are taken, also without preamble or File Meta Information. DICOMDIR files are passed over. This is no Media Storage Application Profile.',
    markdownTable(['input', 'folder', 'source', 'after'], rows),
  ].join('\n\n');
}

const HTTP_STATUSES = [
  ['200', 'every instance is stored'],
  ['202', 'some are stored, some failed'],
  ['409', 'none is stored'],
  ['503', 'none is stored, for want of room or because too many requests are open: again after Retry-After'],
  ['400, 408', 'the body cannot be read to its end, or stalls: what came whole before is stored'],
  ['413', 'the body is too large, or has too many parts'],
  ['415, 406', 'the media type of the body, or those that Accept names, are not provided'],
  ['401, 403', 'the caller has not signed in, or is not known'],
];

const FAILURE_REASONS = [
  ['A700H', 'Out of resources'],
  ['0110H', 'Processing failure'],
  ['0117H', 'SOP Instance UID is no UID'],
  ['0122H', 'SOP class is not taken'],
  ['C122H', 'Transfer syntax is not taken'],
  ['C111H', 'Another data set of this SOP Instance is here'],
  ['C000H', 'Not a DICOM file, an empty data set, or an instance of another study than the URL says'],
];
