import { TlsFileError } from '../tls/errors.ts';
import { readTlsFiles } from '../tls/tls-files.ts';
import type { SettingsProblem } from './errors.ts';
import type { Settings } from './schema.ts';

/** What is wrong with the certificates, keys and authorities that the settings name; the gateway would not start. */
export function checkTlsFiles({ inputs, destinations }: Settings): readonly SettingsProblem[] {
  return Object.entries({ inputs, destinations }).flatMap(([section, members]) =>
    Object.entries(members).flatMap(([name, member]) => {
      if (!('tls' in member) || member.tls === undefined) return [];
      const { certificate, key, key_passphrase_env: keyPassphraseEnv, ca } = member.tls;
      try {
        readTlsFiles({ certificate, key, keyPassphraseEnv, ca });
        return [];
      } catch (error) {
        if (!(error instanceof TlsFileError)) throw error;
        return [{ path: `${section}.${name}.tls`, message: error.message }];
      }
    }),
  );
}
