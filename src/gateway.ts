/**
 * # Gateway
 *
 * The composition root: opens the spool, starts the stages on it, and stops them in an order that loses
 * nothing. Started from the far end to the near end, so that nothing is accepted before it can be handled;
 * stopped the other way round, intake first.
 *
 * Deliberately absent: any work on an instance, and any knowledge of the environment. What differs in tests
 * comes in as an option.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import type { Settings } from './config/config.ts';
import { type Console, startConsole } from './console/console.ts';
import { startConversion } from './conversion/conversion.ts';
import { type Delivery, startDelivery } from './delivery/delivery.ts';
import { type Intake, startIntake } from './intake/intake.ts';
import { startNotices } from './notices/notices.ts';
import { type Reread, Rereading } from './rereading.ts';
import { assertDestinations, loadRules, startRules } from './rules/rules.ts';
import { openSpool, type Spool } from './spool/spool.ts';
import { configReloaded, gatewayStarted, gatewayStopped } from './telemetry/events.ts';
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts';
import { ownTimeZone } from './time-zone.ts';

export interface Gateway {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly inputs: ReturnType<Intake['inputs']>;
  readonly lanes: Delivery['lanes'];
  readonly console: Console;
  /** Resolves with the reason when the gateway cannot go on and should be started anew. */
  readonly failed: Promise<string>;
  /**
   * Puts sources, destinations and rules in force, all of them or none, and reads certificates again. Associations
   * that are open go on as they were admitted.
   *
   * @returns the settings that differ and take a restart
   * @throws {GatewayError} when rules or destinations cannot be put in force; then everything stays as it was
   */
  reload(settings: Settings): Promise<readonly string[]>;
  /** Reads settings where they came from, and reloads with them. What is wrong is in the log and in the answer. */
  reread(): Promise<Reread>;
  /** Intake first, then what is in hand is finished, then everything closes. Safe to call twice. */
  stop(reason: string): Promise<void>;
}

export interface GatewayOptions {
  readonly telemetry?: Telemetry;
  /** Reads the settings anew; without it `reread` fails. */
  readonly readSettings?: () => Settings;
  /** Module whose default export is called at every step of custody; for kill tests. */
  readonly stepModule?: URL;
}

/**
 * Starts everything the settings ask for.
 *
 * @throws {GatewayError} when something cannot start; then nothing of it is left running
 */
export async function startGateway(settings: Settings, options: GatewayOptions = {}): Promise<Gateway> {
  const telemetry = options.telemetry ?? createTelemetry(settings.log);
  const rereading = new Rereading(options.readSettings, telemetry);
  const closers: (() => Promise<void>)[] = [];
  let stopByMs = 0;
  const closeAll = async () => {
    stopByMs = performance.now() + settings.drain_limit;
    for (const close of closers.toReversed()) await close();
    closers.length = 0;
  };

  /** One limit for all: what comes later waits for what is left of it. */
  const drainMs = () => Math.max(0, stopByMs - performance.now());

  const { promise: failed, resolve: onDeath } = Promise.withResolvers<string>();
  try {
    const ruleSet = await loadRulesFor(settings);
    const spool = await openSpool(settings.spool, {
      telemetry,
      onDeath,
      ...(options.stepModule && { stepModule: options.stepModule }),
    });
    closers.push(() => spool.close());
    const delivery = await startDelivery(settings.destinations, {
      spool,
      telemetry,
      site: settings,
      reportsFolder: join(settings.spool.directory, 'reports'),
    });
    closers.push(() => delivery.stop(drainMs()));
    const conversion = await startConversion(
      { ...(settings.time_zone !== undefined && { time_zone: settings.time_zone }), ...settings.conversion },
      { spool, telemetry },
    );
    closers.push(() => conversion.stop());
    const rules = startRules(ruleSet, { spool, telemetry, destinations: Object.keys(settings.destinations) });
    closers.push(() => rules.stop());
    let intake: Intake | undefined;
    const inputs = () => intake?.inputs() ?? [];
    const webConsole = await startConsole(settings, {
      spool,
      telemetry,
      lanes: delivery.lanes,
      inputs,
      reload: { run: () => rereading.run(), failure: () => rereading.failure },
    });
    closers.push(() => webConsole.stop());
    intake = await startIntake(settings, { spool, telemetry });
    closers.push(() => intake.stop(drainMs()));
    const notices = await startNotices(settings.notify, {
      spool,
      telemetry,
      sources: settings.sources,
      timeZone: settings.time_zone ?? ownTimeZone(),
      destinations: () => delivery.lanes().flatMap(({ kind, destination }) => (kind ? [destination] : [])),
      inputs: () => ({
        expected: Object.keys(settings.inputs),
        working: inputs().map(({ name }) => name),
      }),
    });
    closers.push(() => notices.stop());

    const runningIntake = intake;
    let wanted = settings;
    let reloading: Promise<void> = Promise.resolve();
    gatewayStarted(telemetry, {
      version: packageJson.version,
      inputs: intake.inputs().length,
      pid: process.pid,
    });
    const gateway: Gateway = {
      spool,
      telemetry,
      inputs: intake.inputs(),
      lanes: delivery.lanes,
      console: webConsole,
      failed,
      reread: () => rereading.run(),
      reload(next) {
        wanted = next;
        reloading = reloading
          .catch(() => {})
          .then(async () => {
            if (wanted !== next) return; // Asked again meanwhile: the later holds.
            const nextRules = await loadRulesFor(next);
            await delivery.reload(next.destinations, next, {
              // Before lanes drain, so that nothing more is planned for a destination that goes.
              opened() {
                rules.replace(nextRules, Object.keys(next.destinations));
                runningIntake.reload(next);
              },
            });
            notices.reload({ sources: next.sources, timeZone: next.time_zone ?? ownTimeZone() });
            configReloaded(telemetry, { needRestart: needRestart(settings, next) });
          });
        return reloading.then(() => needRestart(settings, next));
      },
      async stop(reason) {
        if (closers.length === 0) return;
        await reloading.catch(() => {}); // Lanes that are being opened are to be stopped, too.
        await closeAll();
        gatewayStopped(telemetry, { reason });
      },
    };
    rereading.started((next) => gateway.reload(next));
    return gateway;
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** @throws {RuleFileError} listing all that is wrong with the rules, destinations that the settings lack among it */
async function loadRulesFor({
  rules,
  destinations,
}: Settings): Promise<Awaited<ReturnType<typeof loadRules>>> {
  const ruleSet = await loadRules(rules.path);
  assertDestinations(ruleSet, Object.keys(destinations));
  return ruleSet;
}

/** What `reload` puts in force. */
const RELOADED = new Set([
  'sources',
  'allow_any_caller',
  'accept_unknown_sop_classes',
  'destinations',
  'rules',
  'mode',
  'time_zone',
]);

/** Settings that differ from those at the start, and are not reloaded. */
function needRestart(started: Settings, next: Settings): readonly string[] {
  const names = Object.keys(next) as (keyof Settings)[];
  return names.filter((name) => !RELOADED.has(name) && !isDeepStrictEqual(started[name], next[name]));
}
