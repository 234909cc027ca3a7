/** A source that should send something at least so often. */
export interface WatchedSource {
  readonly name: string;
  readonly silentAfterMs: number;
  /** Since when its working hours have gone on; undefined outside of them, far back where they never end. */
  workingSinceMs(atMs: number): number | undefined;
}

/** The part of the settings of a source that is read here. */
export interface SilenceSettings {
  readonly silent_after?: number | undefined;
}

/** Those that state after which time their silence is worth telling. */
export function watchedSources(
  settings: Readonly<Record<string, SilenceSettings>>,
): readonly WatchedSource[] {
  return Object.entries(settings).flatMap(([name, { silent_after: silentAfterMs }]) =>
    silentAfterMs === undefined
      ? []
      : [{ name, silentAfterMs, workingSinceMs: () => Number.NEGATIVE_INFINITY }],
  );
}
