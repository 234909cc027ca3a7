/**
 * A gateway in a process of its own, for tests that kill it. Settings come by NODE_CONFIG; tells its parent the
 * port, and does what it is asked, as an operator at its console would ask.
 */
import { loadSettings } from '../../src/config/config.ts';
import { startGateway } from '../../src/gateway.ts';
import type { Selection } from '../../src/spool/spool.ts';

/** What a parent may ask. The answer has the type of the question; `error` when it was not done. */
export type GatewayQuestion =
  | { readonly type: 'status' | 'stop' | 'held' }
  | { readonly type: 'retry' | 'hold' | 'discard'; readonly selection: Selection }
  | { readonly type: 'reload'; readonly settings: object };

const send = process.send?.bind(process);
if (send === undefined) throw new Error('This entry is run by tests, with fork()');

const gateway = await startGateway(loadSettings(), {
  stepModule: new URL('kill-step.ts', import.meta.url),
});
send({ type: 'listening', port: gateway.inputs[0]?.port });

process.on('message', async (question: GatewayQuestion) => {
  try {
    send({ type: question.type, ...(await answer(question)) });
  } catch (error) {
    send({ type: question.type, error: String(error) });
  }
  if (question.type === 'stop') process.exit(0);
});
process.on('disconnect', () => process.exit(0));

async function answer(question: GatewayQuestion): Promise<object> {
  const { spool } = gateway;
  switch (question.type) {
    case 'status':
      return { status: await spool.status() };
    case 'held':
      return { entries: await spool.query({ state: 'held' }) };
    case 'retry':
      return { count: await spool.retry(question.selection) };
    case 'hold':
      return { count: await spool.hold(question.selection, 'looked at by the test') };
    case 'discard':
      return await spool.discard(question.selection, { reason: 'not wanted', by: 'ann' });
    case 'reload': {
      const env = { NODE_CONFIG: JSON.stringify(question.settings) };
      return { needRestart: await gateway.reload(loadSettings({ env })) };
    }
    default:
      question.type satisfies 'stop';
      await gateway.stop('asked by the test');
      return {};
  }
}
