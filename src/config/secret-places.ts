import { readSecret, SecretMissing, type SecretPlace } from '../secret.ts';
import type { SettingsProblem } from './errors.ts';
import { formatPath } from './problems.ts';
import type { Settings } from './schema.ts';
import type { Path } from './sources.ts';

export interface SecretFindings {
  /** Files without which an input would not start. */
  readonly problems: readonly SettingsProblem[];
  /** What is read only when it is used, and environment variables: those of the gateway may be others. */
  readonly warnings: readonly SettingsProblem[];
}

/** Which secrets are not where the settings say, in a file or an environment variable. */
export async function checkSecretPlaces(settings: Settings): Promise<SecretFindings> {
  const { inputs, destinations, notify } = settings;
  const found = await Promise.all(
    placesIn({ inputs, destinations, notify }, []).map(async ({ path, place }) => {
      const reason = await faultOf(place);
      if (reason === undefined) return [];
      const isError = path[0] === 'inputs' && place.file !== undefined;
      const caution = place.env === undefined ? '' : ' in this environment';
      return [{ isError, problem: { path: formatPath(path), message: `${reason}${caution}` } }];
    }),
  );
  const [problems = [], warnings = []] = [true, false].map((isError) =>
    found.flat().flatMap((one) => (one.isError === isError ? [one.problem] : [])),
  );
  return { problems, warnings };
}

/** Every setting `…_file` and `…_env` names the place of a secret, whatever section it stands in. */
function placesIn(value: unknown, path: Path): readonly { path: Path; place: SecretPlace }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const here = [...path, key];
    if (typeof member !== 'string') return key === 'tls' ? [] : placesIn(member, here); // checkTlsFiles has these.
    if (key.endsWith('_file')) return [{ path: here, place: { file: member } }];
    return key.endsWith('_env') ? [{ path: here, place: { env: member } }] : [];
  });
}

async function faultOf(place: SecretPlace): Promise<string | undefined> {
  try {
    await readSecret(place);
    return undefined;
  } catch (error) {
    if (error instanceof SecretMissing) return error.message;
    throw error;
  }
}
