/**
 * # STOW-RS
 *
 * The Store Transaction of DICOMweb as an input: an HTTP server of its own, beside the console. PS3.18 10.5.
 */
import { type HttpListener, type IncomingRequest, listenForHttp } from './http-listener.ts';
import { SignIn } from './http-sign-in.ts';
import type { InputDeps, InputKind } from './input-kind.ts';
import { UNKNOWN_SOURCE } from './sources.ts';
import type { Refusal } from './stow-request.ts';
import { StowService } from './stow-server.ts';
import { StowRsInputSettings } from './stow-settings.ts';
import { openServerTls } from './tls-settings.ts';

/** Each request has a connection, and some connections wait for their next one. */
const CONNECTIONS_PER_REQUEST = 4;

export const stowRs: InputKind<typeof StowRsInputSettings> = {
  settings: StowRsInputSettings,
  async start(settings, deps) {
    const signIn = await SignIn.open(settings.auth, deps);
    const service = new StowService({
      ...deps,
      input: deps.name,
      basePath: settings.base_path,
      callingAeTitle: settings.calling_ae_title.trim(),
      calledAeTitle: settings.called_ae_title.trim(),
      requestsMax: settings.requests_max,
      bytesMax: settings.request_bytes_max,
      partsMax: settings.parts_max,
      idleMs: settings.idle_timeout,
      requestMs: settings.request_timeout,
      admit: (incoming) => admit(incoming, signIn, settings, deps),
    });
    const tls = settings.tls && openServerTls(settings.tls, deps);
    let listener: HttpListener;
    try {
      listener = await listenForHttp({
        input: deps.name,
        telemetry: deps.telemetry,
        host: settings.host,
        port: settings.port,
        ...(tls && { tls }),
        headerMs: settings.header_timeout,
        connectionsMax: settings.requests_max * CONNECTIONS_PER_REQUEST,
        onRequest: (incoming) => service.handle(incoming),
      });
    } catch (error) {
      tls?.material.close();
      throw error;
    }
    const { host, port } = listener;
    return {
      place: `${host}:${port}`,
      host,
      port,
      ...(tls && { reloadCertificates: () => tls.material.reload() }),
      async stop(drainMs) {
        listener.close();
        const limit = setTimeout(() => listener.destroy(), drainMs);
        await service.drain();
        clearTimeout(limit);
        listener.destroy();
        tls?.material.close();
      },
    };
  },
};

/** The sign-in says who a caller is, else its certificate or address by `sources`, else the setting of the input. */
async function admit(
  { request, peerAddress, certificate }: IncomingRequest,
  signIn: SignIn,
  settings: StowRsInputSettings,
  { admission }: InputDeps,
): Promise<{ source: string } | Refusal> {
  const user = await signIn.check(request.headers.authorization);
  if (user === undefined) {
    const headers = signIn.challenge === undefined ? {} : { 'www-authenticate': signIn.challenge };
    return { httpStatus: 401, text: 'The name and password, or the token, must be known here.', headers };
  }
  const known = admission.sourceOf({ peerAddress, ...(certificate && { certificate }) });
  if (known === undefined && settings.auth.kind === 'none') {
    return { httpStatus: 403, text: 'Only callers that the gateway knows may store.' };
  }
  const byCaller = known === UNKNOWN_SOURCE ? undefined : known;
  return { source: user.source ?? byCaller ?? settings.source ?? UNKNOWN_SOURCE };
}
