/** Step module of kill tests: ends the process, as a power button would, at the n-th time that a step comes. */
const [stepName = '', countText = '1'] = (process.env.SLIDEGATE_TEST_KILL_AT ?? '').split(':');
let remaining = Number(countText);

export function step(name: string): void {
  if (name !== stepName) return;
  remaining -= 1;
  if (remaining === 0) process.kill(process.pid, 'SIGKILL');
}
