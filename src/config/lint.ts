/** What no section can see by itself: settings that are right one by one and wrong together. */
import { isAbsolute, relative, resolve } from 'node:path';
import { isLoopback, isWildcard } from '../console/hosts.ts';
import type { DestinationAddress } from '../delivery/destination-kind.ts';
import { addressOf } from '../delivery/destinations.ts';
import { checkLanes } from '../delivery/lane-checks.ts';
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
    ...secretsInTheClear(settings),
    ...foldersInTheSpool(settings),
    ...checkLanes(settings.destinations),
    ...reportOnly(settings),
    ...watchedFolders(settings),
    ...commitmentReportsRejected(settings),
    ...commitmentReportersUnknown(settings),
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

function secretsInTheClear({ destinations }: Settings): readonly Finding[] {
  return Object.entries(destinations).flatMap(([name, destination]) => {
    if (destination.kind !== 'stow-rs' || destination.auth.kind === 'none') return [];
    const { protocol, hostname } = new URL(destination.url);
    if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) return [];
    const message = 'should be https: what `auth` names, and every instance, can be read on the way';
    return [{ severity: 'warning', path: ['destinations', name, 'url'], message }];
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

/** A watched folder is emptied: what lies in it must be nobody else's. */
function watchedFolders({ inputs, destinations, spool }: Settings): readonly Finding[] {
  const watched = Object.entries(inputs).flatMap(([name, input]) =>
    input.kind === 'folder' ? [{ name, folder: resolve(input.path) }] : [],
  );
  const others = [
    { what: "the spool's directory", folder: resolve(spool.directory) },
    ...Object.entries(destinations).flatMap(([name, destination]) => {
      const { folder } = addressOf(destination);
      return folder === undefined ? [] : [{ what: `destination "${name}"`, folder: resolve(folder) }];
    }),
  ];
  return watched.flatMap(({ name, folder }, index) => {
    const earlier = watched.slice(0, index).map((one) => ({ ...one, what: `input "${one.name}"` }));
    const other = [...others, ...earlier].find(
      (one) => isWithin(folder, one.folder) || isWithin(one.folder, folder),
    );
    if (other === undefined) return [];
    const message = `must be a folder of its own: it lies in ${other.what}, or that in it`;
    return [{ severity: 'error', path: ['inputs', name, 'path'], message }];
  });
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
}

/** So that nobody goes live and wonders. */
function reportOnly({ mode, destinations }: Settings): readonly Finding[] {
  if (mode !== 'report') return [];
  const count = Object.keys(destinations).length;
  const message = `is report: nothing is sent to any of the ${count} destinations`;
  return [{ severity: 'warning', path: ['mode'], message }];
}

/** A destination reports to the title that it was called by, and its call has to be answered. */
function commitmentReportsRejected({ inputs, destinations }: Settings): readonly Finding[] {
  const answered = new Set(
    Object.values(inputs).flatMap((input) =>
      input.kind === 'dimse-scp' ? input.ae_titles.map((title) => title.trim()) : [],
    ),
  );
  return Object.entries(destinations).flatMap(([name, destination]) => {
    if (destination.kind !== 'dimse-scu' || destination.commitment !== 'required') return [];
    const title = destination.calling_ae_title.trim();
    if (answered.has(title)) return [];
    const message =
      `is required, and no input answers to "${title}": a report on an association of its own would be rejected. ` +
      'Add the title to ae_titles of an input, or set calling_ae_title to one that is there';
    return [{ severity: 'warning', path: ['destinations', name, 'commitment'], message }];
  });
}

/** Who reports is a caller like any other. Most call as they are called. */
function commitmentReportersUnknown({
  allow_any_caller,
  sources,
  destinations,
}: Settings): readonly Finding[] {
  if (allow_any_caller) return [];
  const admitted = Object.values(sources).map(({ ae_title }) => ae_title?.trim());
  return Object.entries(destinations).flatMap(([name, destination]) => {
    if (destination.kind !== 'dimse-scu' || destination.commitment !== 'required') return [];
    const title = destination.called_ae_title.trim();
    if (admitted.includes(title) || admitted.includes(undefined)) return [];
    const message =
      `is required, and no source has the ae_title "${title}": a report on an association of its own would be ` +
      'rejected, as allow_any_caller is false. Name the destination under sources as well';
    return [{ severity: 'warning', path: ['destinations', name, 'commitment'], message }];
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
