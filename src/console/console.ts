/**
 * # Console
 *
 * One HTTP server: the page at /, the API it lives on, health for whoever restarts us, metrics for Prometheus;
 * and, where asked for, a second listener with the metrics alone.
 *
 * - Bound to loopback by default; there is no sign-in yet, so that anything else has to be stated.
 * - Requests under a foreign host name are refused, changes need a header: no web page can act through the
 *   browser of somebody inside.
 * - Nothing here names a patient.
 *
 * Deliberately absent: any knowledge of stages. Spool, lanes and inputs come in as ports.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import packageJson from '../../package.json' with { type: 'json' };
import { GatewayError } from '../errors.ts';
import { requestFailed } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { answerError, api } from './api.ts';
import { ListenError, RequestError } from './errors.ts';
import { changesNeedHeader, ownHostOnly, securityHeaders } from './guards.ts';
import { LoopPauses, readiness } from './health.ts';
import { LiveUpdates } from './live.ts';
import type { ConsolePorts, ConsoleView } from './ports.ts';
import { scrape } from './scrape.ts';

export type { ConsolePorts, ConsoleView, InputView, LaneView } from './ports.ts';
export type { EntryAnswer, GroupAnswer, StatusAnswer } from './views.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Console extends Address {
  /** Where the metrics have a listener of their own. */
  readonly metrics?: Address;
  /** Answers what was asked, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

const PAGE_FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/console.js': ['console.js', 'text/javascript; charset=utf-8'],
  '/held.js': ['held.js', 'text/javascript; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/console.css': ['console.css', 'text/css; charset=utf-8'],
} as const;

/**
 * Opens the console and, where `metrics.port` is set, the metrics listener.
 *
 * @throws {ListenError} when a port cannot be opened; then neither is
 */
export async function startConsole(settings: ConsoleView, ports: ConsolePorts): Promise<Console> {
  const live = new LiveUpdates(ports.spool);
  const pauses = new LoopPauses();
  const servers: Server[] = [];
  const stop = async () => {
    live.stop();
    pauses.stop();
    await Promise.all(servers.splice(0).map(close));
  };
  try {
    const { host, port } = settings.console;
    const web = await listen(consoleApp(settings, ports, { live, pauses }), { host, port }, 'console');
    servers.push(web.server);
    if (settings.metrics.port === undefined) return { ...web.address, stop };
    const at = { host: settings.metrics.host ?? '127.0.0.1', port: settings.metrics.port };
    const metrics = await listen(metricsApp(ports), at, 'metrics');
    servers.push(metrics.server);
    return { ...web.address, metrics: metrics.address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function consoleApp(
  settings: ConsoleView,
  ports: ConsolePorts,
  { live, pauses }: { live: LiveUpdates; pauses: LoopPauses },
): Express {
  const startedAtMs = Date.now();
  const app = plainApp();
  // Probes come under whatever name the orchestrator uses, and learn nothing worth hiding.
  app.get('/health/live', (_request, response) => {
    const uptimeSeconds = Math.round((Date.now() - startedAtMs) / 1000);
    response.json({ live: true, uptimeSeconds, longestPauseMs: pauses.takeLongestMs() });
  });
  app.get('/health/ready', async (_request, response) => {
    const { ready, problems } = await readiness(ports, settings);
    response.status(ready ? 200 : 503).json({ ready, problems });
  });

  app.use(ownHostOnly(settings.console), changesNeedHeader);
  app.get('/metrics', (_request, response) => sendMetrics(ports, response));
  app.get('/api/live', (request, response) => live.open(request, response));
  app.use('/api', api(ports, { settings, version: packageJson.version, startedAtMs }));
  for (const [path, [file, type]] of Object.entries(PAGE_FILES)) {
    const content = readFileSync(new URL(`./web/${file}`, import.meta.url));
    app.get(path, (_request, response) => {
      response.type(type).set('cache-control', 'no-cache').send(content);
    });
  }
  return finished(app, ports.telemetry);
}

function metricsApp(ports: ConsolePorts): Express {
  const app = plainApp();
  app.get('/metrics', (_request, response) => sendMetrics(ports, response));
  return finished(app, ports.telemetry);
}

function plainApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders());
  return app;
}

async function sendMetrics(ports: ConsolePorts, response: Response): Promise<void> {
  const text = await scrape(ports);
  response.set('content-type', ports.telemetry.metrics.registry.contentType).send(text);
}

/** Adds what answers when nothing else did: 404, and errors as JSON without a stack. */
function finished(app: Express, telemetry: Telemetry): Express {
  app.use((request, response) => {
    answerError(response, 404, { code: 'CONSOLE_NO_SUCH_PAGE', message: `There is no ${request.path}` });
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status, code, message } = describeError(error);
    if (status >= 500) requestFailed(telemetry, { method: request.method, path: request.path, code, error });
    answerError(response, status, { code, message });
  };
  app.use(onError);
  return app;
}

function describeError(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof RequestError) return { status: 400, code: error.code, message: error.message };
  if (error instanceof GatewayError) return { status: 500, code: error.code, message: error.message };
  // What express and its body parser throw for requests that are at fault.
  const status = (error as { status?: unknown })?.status;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'CONSOLE_BAD_REQUEST', message: 'Cannot read the request' };
  }
  return { status: 500, code: 'CONSOLE_BUG', message: 'Cannot answer: see the log' };
}

async function listen(
  handler: RequestListener,
  { host, port }: Address,
  setting: string,
): Promise<{ server: Server; address: Address }> {
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ListenError(setting, { host, port }, error)));
    server.listen({ host, port }, resolve);
  });
  return { server, address: { host, port: (server.address() as AddressInfo).port } };
}

/** Idle connections go at once, others when they have their answer or after a second. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cutOff = setTimeout(() => server.closeAllConnections(), 1000);
  server.closeIdleConnections();
  await closed;
  clearTimeout(cutOff);
}
