import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TlsTarget } from '../tls/client.ts';
import { type ClientTlsSettings, openClientTls } from '../tls/client-settings.ts';

interface OpenTls {
  readonly settings: string;
  readonly target: TlsTarget;
}

/** TLS to the sources that are reported to: opened when first needed, and anew when the settings have changed. */
export class ReportTls {
  readonly #telemetry: Telemetry;
  readonly #open = new Map<string, OpenTls>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** @throws {TlsFileError} when the files cannot be used */
  of(source: string, settings: ClientTlsSettings): TlsTarget {
    const key = JSON.stringify(settings);
    const before = this.#open.get(source);
    if (before?.settings === key) return before.target;
    const deps = { name: source, telemetry: this.#telemetry };
    const target = openClientTls(settings, deps, 'source');
    before?.target.material.close();
    this.#open.set(source, { settings: key, target });
    return target;
  }

  close(): void {
    for (const { target } of this.#open.values()) target.material.close();
    this.#open.clear();
  }
}
