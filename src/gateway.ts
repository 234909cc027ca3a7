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
import packageJson from '../package.json' with { type: 'json' };
import type { Settings } from './config/config.ts';
import { type Console, startConsole } from './console/console.ts';
import { startConversion } from './conversion/conversion.ts';
import { type Delivery, startDelivery } from './delivery/delivery.ts';
import { type Intake, startIntake } from './intake/intake.ts';
import { assertDestinations, loadRules, startRules } from './rules/rules.ts';
import { openSpool, type Spool } from './spool/spool.ts';
import { gatewayStarted, gatewayStopped } from './telemetry/events.ts';
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts';

export interface Gateway {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly inputs: ReturnType<Intake['inputs']>;
  readonly lanes: Delivery['lanes'];
  readonly console: Console;
  /** Resolves with the reason when the gateway cannot go on and should be started anew. */
  readonly failed: Promise<string>;
  /** Intake first, then what is in hand is finished, then everything closes. Safe to call twice. */
  stop(reason: string): Promise<void>;
}

export interface GatewayOptions {
  readonly telemetry?: Telemetry;
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
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close();
    closers.length = 0;
  };

  const { promise: failed, resolve: onDeath } = Promise.withResolvers<string>();
  try {
    const ruleSet = await loadRules(settings.rules.path);
    assertDestinations(ruleSet, Object.keys(settings.destinations));
    const spool = await openSpool(settings.spool, {
      telemetry,
      onDeath,
      ...(options.stepModule && { stepModule: options.stepModule }),
    });
    closers.push(() => spool.close());
    const delivery = await startDelivery(settings.destinations, { spool, telemetry });
    closers.push(() => delivery.stop());
    const conversion = await startConversion(settings.conversion, { spool, telemetry });
    closers.push(() => conversion.stop());
    const rules = startRules(ruleSet, { spool, telemetry, destinations: Object.keys(settings.destinations) });
    closers.push(() => rules.stop());
    let intake: Intake | undefined;
    const inputs = () => intake?.inputs() ?? [];
    const webConsole = await startConsole(settings, { spool, telemetry, lanes: delivery.lanes, inputs });
    closers.push(() => webConsole.stop());
    intake = await startIntake(settings, { spool, telemetry });
    closers.push(() => intake.stop(settings.drain_limit));

    gatewayStarted(telemetry, { version: packageJson.version, inputs: intake.inputs().length });
    return {
      spool,
      telemetry,
      inputs: intake.inputs(),
      lanes: delivery.lanes,
      console: webConsole,
      failed,
      async stop(reason) {
        if (closers.length === 0) return;
        await closeAll();
        gatewayStopped(telemetry, { reason });
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
