/**
 * # Reception of a file
 *
 * Takes a Part 10 file into the spool while it arrives: what DIMSE says in the command set is read from the first
 * bytes of the file, and the rest passes through.
 *
 * Invariants:
 * - The data set is kept byte for byte; preamble and File Meta Information are written anew, as for C-STORE.
 * - No more than {@link HEAD_BYTES_MAX} are gathered before the spool has the bytes.
 * - What fails is drained: the answer comes at the end.
 */
import { Part10Error } from '../dicom/errors.ts';
import { encodeFileMeta, type FileMeta, readFileMeta } from '../dicom/file-meta.ts';
import { identityOf, indexHeader } from '../dicom/header-index.ts';
import { VERIFICATION_SOP_CLASS_UID } from '../dicom/sop-class.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { isTolerableUid } from '../dicom/uid.ts';
import { STATUS } from '../dimse/status.ts';
import type { Committed, OtherContentPolicy, Spool } from '../spool/spool.ts';
import { acceptsSopClass } from './admission.ts';
import { ReceptionSink } from './reception-sink.ts';
import { type Answer, answerOfError, EMPTY_DATA_SET, INVALID_SOP_INSTANCE_UID } from './status-of-error.ts';

export interface Part10Options {
  readonly spool: Spool;
  readonly source: string;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly peerAddress: string;
  readonly acceptUnknownSopClasses: boolean;
  /** What the source wants done with other content under a known UID. */
  readonly onOtherContent?: OtherContentPolicy;
  /** Instances of another study are refused. */
  readonly studyInstanceUid?: string;
}

/** Of which instance the file says that it is. */
export interface Identity {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export interface Part10Outcome {
  readonly answer: Answer;
  /** Absent when the file says nothing that can be repeated. */
  readonly identity?: Identity;
  /** Absent when it was not kept. */
  readonly committed?: Committed;
  readonly dataSetBytes: number;
  /** What the spool said, where it could not keep the instance. */
  readonly error?: unknown;
}

/** Enough for File Meta Information, and for what an instance says of itself. */
const HEAD_BYTES = 64 * 1024;
/** Looked at where a large private header stands in front of the Study Instance UID; the spool looks as far. */
const HEAD_BYTES_MAX = 1024 * 1024;

const NO_DICOM: Answer = { status: STATUS.cannotUnderstand, errorComment: 'Not a DICOM file' };
const OTHER_STUDY: Answer = { status: STATUS.cannotUnderstand, errorComment: 'Instance of another study' };
const CLASS_NOT_SUPPORTED: Answer = {
  status: STATUS.sopClassNotSupported,
  errorComment: 'SOP class is not taken',
};
/** PS3.18 I.2.2: a C-STORE cannot meet it, for the transfer syntax is agreed on before. */
const TRANSFER_SYNTAX_NOT_SUPPORTED: Answer = {
  status: 0xc122,
  errorComment: 'Transfer syntax is not taken',
};

export class Part10Reception {
  readonly #options: Part10Options;
  #head: Buffer[] = [];
  #headBytes = 0;
  #headBytesWanted = HEAD_BYTES;
  #sink: ReceptionSink | undefined;
  #failure: Answer | undefined;
  #error: unknown;
  #identity: Identity | undefined;
  #committed: Committed | undefined;
  #dataSetBytes = 0;

  constructor(options: Part10Options) {
    this.#options = options;
  }

  /** Takes a copy of the next bytes; what it returns, if anything, should be awaited before the next. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    if (this.#sink === undefined) {
      this.#head.push(Buffer.from(bytes));
      this.#headBytes += bytes.byteLength;
      return this.#headBytes < this.#headBytesWanted ? undefined : this.#begin(false);
    }
    return this.#pass(bytes);
  }

  /** The file is complete: resolves when it is durable, or when it is clear that it will not be. */
  async end(): Promise<Part10Outcome> {
    if (this.#sink === undefined && this.#failure === undefined) await this.#begin(true);
    const answer = this.#failure ?? (await this.#sink?.end()) ?? EMPTY_DATA_SET;
    return {
      answer,
      dataSetBytes: this.#dataSetBytes,
      ...(this.#identity && { identity: this.#identity }),
      ...(this.#committed && { committed: this.#committed }),
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  /** Gives up; nothing of it is left. */
  discard(reason: string): void {
    this.#failure ??= EMPTY_DATA_SET;
    this.#head = [];
    this.#sink?.discard(reason);
  }

  #pass(bytes: Uint8Array): Promise<void> | undefined {
    this.#dataSetBytes += bytes.byteLength;
    const sink = this.#sink as ReceptionSink;
    return sink.write(bytes) ? undefined : new Promise((resume) => sink.onWritable(resume));
  }

  #begin(isWhole: boolean): Promise<void> | undefined {
    const head = Buffer.concat(this.#head);
    const found = this.#readHead(head, isWhole);
    if (found === 'more') {
      this.#head = [head];
      this.#headBytesWanted = HEAD_BYTES_MAX;
      return undefined;
    }
    this.#head = [];
    if ('status' in found) {
      this.#failure = found;
      return undefined;
    }
    const { spool, source, callingAeTitle, calledAeTitle, peerAddress, onOtherContent } = this.#options;
    const { transferSyntaxUid, dataSetOffset, identity } = found;
    try {
      const fileMeta = encodeFileMeta({ ...identity, transferSyntaxUid, sourceAeTitle: callingAeTitle });
      const caller = {
        source,
        callingAeTitle,
        calledAeTitle,
        peerAddress,
        ...(onOtherContent && { onOtherContent }),
      };
      const reception = spool.receive({ ...identity, transferSyntaxUid, ...caller, fileMeta });
      this.#sink = new ReceptionSink(reception, {
        kept: (committed) => {
          this.#committed = committed;
        },
        failed: (error) => {
          this.#error = error;
        },
      });
    } catch (error) {
      this.#error = error;
      this.#failure = answerOfError(error);
      return undefined;
    }
    const rest = head.subarray(dataSetOffset);
    return rest.length > 0 ? this.#pass(rest) : undefined;
  }

  /** What the first bytes say: who it is, why it is not taken, or that more must be looked at. */
  #readHead(head: Buffer, isWhole: boolean): (FileMeta & { identity: Identity }) | Answer | 'more' {
    let meta: FileMeta;
    try {
      meta = readFileMeta(head);
    } catch (error) {
      if (!(error instanceof Part10Error)) throw error;
      return NO_DICOM;
    }
    const { transferSyntaxUid, dataSetOffset } = meta;
    const { studyInstanceUid: wantedStudy, acceptUnknownSopClasses: acceptUnknown } = this.#options;
    const totalBytes = isWhole ? head.length : Number.MAX_SAFE_INTEGER;
    const needsIndex =
      wantedStudy !== undefined || meta.sopClassUid === undefined || meta.sopInstanceUid === undefined;
    const index = needsIndex
      ? indexHeader(head, { transferSyntaxUid, dataSetOffset, totalBytes })
      : undefined;
    const inside = index && identityOf(index);
    const sopClassUid = meta.sopClassUid ?? inside?.sopClassUid;
    const sopInstanceUid = meta.sopInstanceUid ?? inside?.sopInstanceUid;
    const study = inside?.studyInstanceUid;
    const isMissing =
      sopClassUid === undefined || sopInstanceUid === undefined || (wantedStudy !== undefined && !study);
    const mayFindMore = !isWhole && head.length < HEAD_BYTES_MAX && index?.complete === false && !index.fault;
    if (isMissing && mayFindMore) return 'more';

    if (sopClassUid === undefined || sopInstanceUid === undefined) return NO_DICOM;
    if (!isTolerableUid(sopInstanceUid)) return INVALID_SOP_INSTANCE_UID;
    if (!isTolerableUid(sopClassUid)) return CLASS_NOT_SUPPORTED;
    const identity = { sopClassUid, sopInstanceUid };
    this.#identity = identity;
    // Echo is a service without instances.
    if (sopClassUid === VERIFICATION_SOP_CLASS_UID || !acceptsSopClass(sopClassUid, { acceptUnknown }))
      return CLASS_NOT_SUPPORTED;
    if (transferSyntaxOf(transferSyntaxUid) === undefined) return TRANSFER_SYNTAX_NOT_SUPPORTED;
    if (wantedStudy !== undefined && study !== wantedStudy) return OTHER_STUDY;
    return { ...meta, identity };
  }
}
