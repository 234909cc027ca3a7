/**
 * A gateway in a process of its own, for tests that kill it. Settings come by NODE_CONFIG; tells its parent the
 * port, and the spool's counts whenever it is asked.
 */
import { loadSettings } from '../../src/config/config.ts';
import { startGateway } from '../../src/gateway.ts';

const send = process.send?.bind(process);
if (send === undefined) throw new Error('This entry is run by tests, with fork()');

const gateway = await startGateway(loadSettings(), {
  stepModule: new URL('kill-step.ts', import.meta.url),
});
send({ type: 'listening', port: gateway.inputs[0]?.port });

process.on('message', async (message: { type: 'status' | 'stop' | 'held' }) => {
  if (message.type === 'status') send({ type: 'status', status: await gateway.spool.status() });
  if (message.type === 'held') send({ type: 'held', entries: await gateway.spool.query({ state: 'held' }) });
  if (message.type === 'stop') {
    await gateway.stop('asked by the test');
    process.exit(0);
  }
});
process.on('disconnect', () => process.exit(0));
