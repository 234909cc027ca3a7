import { closeSync, openSync, readSync } from 'node:fs';

/** Some bytes of a file, at once; fewer where it ends before. */
export function readRange(path: string, position: number, lengthBytes: number): Buffer {
  return withFile(path, (fd) => readAt(fd, position, lengthBytes));
}

export function withFile<Result>(path: string, act: (fd: number) => Result): Result {
  const fd = openSync(path, 'r');
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

/** Fewer bytes where the file ends before. */
export function readAt(fd: number, position: number, lengthBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, lengthBytes));
  let filled = 0;
  while (filled < bytes.byteLength) {
    const read = readSync(fd, bytes, filled, bytes.byteLength - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}
