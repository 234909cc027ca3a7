/** What no section can see by itself: settings that are right one by one and wrong together. */
import { isAbsolute, relative, resolve } from 'node:path';
import { isLoopback, isWildcard } from '../console/hosts.ts';
import type { DestinationAddress } from '../delivery/destination-kind.ts';
import { addressOf } from '../delivery/destinations.ts';
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
    const address = addressOf(destination);
    const own = Object.entries(inputs).find(([, input]) => isFedBy(input, address));
    if (!own) return [];
    const message = `must be another place: it is our own input "${own[0]}"`;
    return [{ severity: 'error', path: ['destinations', name, address.setting], message }];
  });
}

function isFedBy(input: Settings['inputs'][string], { server, folder }: DestinationAddress): boolean {
  if (server && 'port' in input && input.port !== 0) {
    return input.port === server.port && isLoopback(server.host.replace(/^\[|\]$/g, ''));
  }
  const watched: unknown = 'path' in input ? input.path : undefined;
  return folder !== undefined && typeof watched === 'string' && isWithin(folder, resolve(watched));
}

function destinationsAlike({ destinations }: Settings): readonly Finding[] {
  const seen = new Map<string, string>();
  return Object.entries(destinations).flatMap(([name, destination]) => {
    const { place } = addressOf(destination);
    const first = seen.get(place);
    seen.set(place, first ?? name);
    if (first === undefined) return [];
    const message = `goes where "${first}" goes: an instance for both is sent twice`;
    return [{ severity: 'warning', path: ['destinations', name], message }];
  });
}

function foldersInTheSpool({ destinations, spool }: Settings): readonly Finding[] {
  return Object.entries(destinations).flatMap(([name, destination]) => {
    const { folder, setting } = addressOf(destination);
    if (folder === undefined || relative(spool.directory, folder) !== '') return [];
    const message = "must not be the spool's own directory: a folder below it will do";
    return [{ severity: 'error', path: ['destinations', name, setting], message }];
  });
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
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
