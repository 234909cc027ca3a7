import type { Command } from './command.ts';

/**
 * Every command, in the order of the help text. To add one: write its file, then add its line here.
 * Each is imported only when it is asked for, so that `status` does not wait for what `convert` needs.
 */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  demo: async () => (await import('./demo.ts')).demo,
  convert: async () => (await import('./convert.ts')).convert,
  send: async () => (await import('./send.ts')).send,
  validate: async () => (await import('./validate.ts')).validate,
  rules: async () => (await import('./rules.ts')).rules,
  config: async () => (await import('./config.ts')).config,
  status: async () => (await import('./status.ts')).status,
  reload: async () => (await import('./reload.ts')).reload,
  show: async () => (await import('./show.ts')).show,
  retry: async () => (await import('./tasks.ts')).retry,
  hold: async () => (await import('./tasks.ts')).hold,
  discard: async () => (await import('./tasks.ts')).discard,
  spool: async () => (await import('./spool.ts')).spool,
  compare: async () => (await import('./compare.ts')).compare,
  notify: async () => (await import('./notify.ts')).notify,
  conformance: async () => (await import('./conformance.ts')).conformance,
  bench: async () => (await import('./bench.ts')).bench,
};
