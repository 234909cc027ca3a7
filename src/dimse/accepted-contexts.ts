import { NoPresentationContextError } from './errors.ts';
import { type AssociateAccept, CONTEXT_RESULT, type RoleSelection } from './pdu.ts';
import type { RequestedContext, Roles } from './user-options.ts';

interface AcceptedContext {
  readonly id: number;
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUid: string;
}

/** What a peer accepted of the contexts that were proposed to it; of ids 1, 3, 5 and so on in their order. */
export class AcceptedContexts {
  readonly #peer: string;
  readonly #contexts: readonly AcceptedContext[];
  readonly #roles: readonly RoleSelection[];

  /**
   * @param peer AE title, for messages
   * @param accept absent until it has come: nothing is accepted so far
   */
  constructor(peer: string, proposed: readonly RequestedContext[], accept?: AssociateAccept) {
    this.#peer = peer;
    this.#roles = accept?.userInformation.roleSelections ?? [];
    this.#contexts = (accept?.presentationContexts ?? []).flatMap(({ id, result, transferSyntaxUid }) => {
      const context = proposed[(id - 1) / 2];
      if (result !== CONTEXT_RESULT.acceptance) return [];
      if (!context?.transferSyntaxUids.includes(transferSyntaxUid)) return []; // Not what was proposed: of no use.
      return [{ id, abstractSyntaxUid: context.abstractSyntaxUid, transferSyntaxUid }];
    });
  }

  /** Undefined for a context that was not accepted. */
  transferSyntaxOf(presentationContextId: number): string | undefined {
    return this.#contexts.find(({ id }) => id === presentationContextId)?.transferSyntaxUid;
  }

  /** In the order of the proposal. */
  transferSyntaxes(abstractSyntaxUid: string): readonly string[] {
    return this.#contexts
      .filter((context) => context.abstractSyntaxUid === abstractSyntaxUid)
      .map((context) => context.transferSyntaxUid);
  }

  grantedRoles(abstractSyntaxUid: string): Roles | undefined {
    return this.#roles.find(({ sopClassUid }) => sopClassUid === abstractSyntaxUid);
  }

  /**
   * The context to send in.
   *
   * @throws {NoPresentationContextError} when there is none
   */
  contextFor(abstractSyntaxUid: string, transferSyntaxUid?: string): AcceptedContext {
    const accepted = this.#contexts.find(
      (context) =>
        context.abstractSyntaxUid === abstractSyntaxUid &&
        (transferSyntaxUid === undefined || context.transferSyntaxUid === transferSyntaxUid),
    );
    if (accepted !== undefined) return accepted;
    throw new NoPresentationContextError(
      `Cannot send to "${this.#peer}": it must have accepted a presentation context for ${abstractSyntaxUid} in ${transferSyntaxUid ?? 'any transfer syntax'}`,
      { abstractSyntaxUid, transferSyntaxUid: transferSyntaxUid ?? '' },
    );
  }
}
