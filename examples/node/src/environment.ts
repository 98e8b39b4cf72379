/** What the process layer tells a child in its environment. */

/** Who the process layer says we are; empty outside of it. */
export function identity(env: NodeJS.ProcessEnv = process.env): {
  index: number | undefined;
  incarnation: number | undefined;
  generation: number | undefined;
} {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  return {
    index: number(env['HENHOUSE_INDEX']),
    incarnation: number(env['HENHOUSE_INCARNATION']),
    generation: number(env['HENHOUSE_GENERATION']),
  };
}

/** Sockets are passed as systemd passes them: from descriptor 3 on, in the order of their names. */
const FIRST_DESCRIPTOR = 3;

/**
 * The inherited listening socket of that name (any, where none is given), for
 * `server.listen(...)`; `undefined` where there is none, so that a worker also starts by hand.
 */
export function inheritedListener(
  name?: string,
  env: NodeJS.ProcessEnv = process.env,
): { fd: number } | undefined {
  // A shell may stand between the master and us. Past our parent, the sockets are not ours:
  // the variables are inherited further than they hold.
  const pid = Number(env['LISTEN_PID']);
  if (pid !== process.pid && pid !== process.ppid) return undefined;
  const count = Number(env['LISTEN_FDS'] ?? 0);
  if (!(count > 0)) return undefined;
  if (name === undefined) return { fd: FIRST_DESCRIPTOR };
  const at = (env['LISTEN_FDNAMES'] ?? '').split(':').indexOf(name);
  return at >= 0 && at < count ? { fd: FIRST_DESCRIPTOR + at } : undefined;
}
