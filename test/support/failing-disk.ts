/** Step module of a disk that fails while a file says at which steps: what it throws is what a disk would. */
import { readFileSync } from 'node:fs';

const flag = process.env.SLIDEGATE_TEST_FAIL_FILE as string;

export function step(name: string): void {
  if (failingSteps().includes(name))
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

function failingSteps(): string[] {
  try {
    return readFileSync(flag, 'latin1').split(' ');
  } catch {
    return [];
  }
}
