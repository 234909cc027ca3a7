/** What no section can see by itself: settings that are right one by one and wrong together. */
import { relative, resolve } from 'node:path';
import { isLoopback, isWildcard } from '../console/hosts.ts';
import { checkIntakeSettings } from '../intake/config.ts';
import type { Settings } from './schema.ts';
import type { Path } from './sources.ts';

export interface Finding {
  /** Errors keep the gateway from starting; warnings are printed by `config check`. */
  readonly severity: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
}

/** Tells whether somebody stated a setting, rather than the defaults of the program. */
export type IsStated = (path: Path) => boolean;

export function lintSettings(settings: Settings, isStated: IsStated): readonly Finding[] {
  return [
    ...portsUsedTwice(settings),
    ...checkIntakeSettings(settings, isStated),
    ...consoleBeyondLoopback(settings),
    ...sendingToItself(settings),
    ...destinationsAlike(settings),
    ...foldersInTheSpool(settings),
    ...nothingToDo(settings),
  ];
}

interface Listener {
  readonly path: Path;
  readonly host: string;
  readonly port: number;
}

function listenersOf({ inputs, console: web, metrics }: Settings): readonly Listener[] {
  const listeners: Listener[] = Object.entries(inputs).flatMap(([name, input]) =>
    'port' in input ? [{ path: ['inputs', name, 'port'], host: input.host, port: input.port }] : [],
  );
  listeners.push({ path: ['console', 'port'], host: web.host, port: web.port });
  if (metrics.port !== undefined) {
    listeners.push({ path: ['metrics', 'port'], host: metrics.host ?? '127.0.0.1', port: metrics.port });
  }
  return listeners;
}

function portsUsedTwice(settings: Settings): readonly Finding[] {
  const listeners = listenersOf(settings).filter(({ port }) => port !== 0);
  return listeners.flatMap((listener, index) => {
    const first = listeners.slice(0, index).find((other) => collides(listener, other));
    if (!first) return [];
    const message = `must be free, and ${first.path.join('.')} listens on ${listener.port} already`;
    return [{ severity: 'error', path: listener.path, message }];
  });
}

function collides(one: Listener, other: Listener): boolean {
  return (
    one.port === other.port && (one.host === other.host || isWildcard(one.host) || isWildcard(other.host))
  );
}

function consoleBeyondLoopback({ console: web }: Settings): readonly Finding[] {
  if (isLoopback(web.host) || web.allow_unauthenticated) return [];
  const message =
    `must be loopback, for the console has no sign-in: is "${web.host}". Set console.allow_unauthenticated: ` +
    'true where the port is published to loopback only, or stands behind a proxy that signs people in';
  return [{ severity: 'error', path: ['console', 'host'], message }];
}

/** What comes back in would be delivered again, for ever. */
function sendingToItself({ inputs, destinations }: Settings): readonly Finding[] {
  return Object.entries(destinations).flatMap(([name, destination]) => {
    if (!('host' in destination)) return [];
    const own = Object.entries(inputs).find(
      ([, input]) =>
        'port' in input &&
        input.port !== 0 &&
        input.port === destination.port &&
        isLoopback(destination.host),
    );
    if (!own) return [];
    const message = `must be another node: it is our own input "${own[0]}"`;
    return [{ severity: 'error', path: ['destinations', name, 'port'], message }];
  });
}

function destinationsAlike({ destinations }: Settings): readonly Finding[] {
  const seen = new Map<string, string>();
  return Object.entries(destinations).flatMap(([name, destination]) => {
    const address =
      'host' in destination
        ? `${destination.host}:${destination.port} ${destination.called_ae_title}`
        : resolve(destination.path);
    const first = seen.get(address);
    seen.set(address, first ?? name);
    if (first === undefined) return [];
    const message = `goes where "${first}" goes: an instance for both is sent twice`;
    return [{ severity: 'warning', path: ['destinations', name], message }];
  });
}

function foldersInTheSpool({ destinations, spool }: Settings): readonly Finding[] {
  return Object.entries(destinations).flatMap(([name, destination]) => {
    if (!('path' in destination) || relative(spool.directory, destination.path) !== '') return [];
    const message = "must not be the spool's own directory: a folder below it will do";
    return [{ severity: 'error', path: ['destinations', name, 'path'], message }];
  });
}

function nothingToDo({ inputs, destinations }: Settings): readonly Finding[] {
  const findings: Finding[] = [];
  if (Object.keys(inputs).length === 0) {
    findings.push({ severity: 'warning', path: ['inputs'], message: 'is empty: nothing can be received' });
  }
  if (Object.keys(destinations).length === 0) {
    const message = 'is empty: nothing can be delivered';
    findings.push({ severity: 'warning', path: ['destinations'], message });
  }
  return findings;
}
