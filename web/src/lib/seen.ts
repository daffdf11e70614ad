// What another device, a structure or the service changes is looked at while somebody sees it.

/** Milliseconds between two looks at what comes from others. */
export const lookEvery = 8_000;

/** Looks now and again while the page is seen, each time that long after the last look ended, however it did; gives what
 *  ends that. */
export function whileSeen(every: number, look: () => Promise<unknown>): () => void {
  let timer = 0;
  const turn = async (): Promise<void> => {
    if (!document.hidden) await look().catch(() => undefined);
    if (timer) timer = setTimeout(turn, every);
  };
  timer = setTimeout(turn, every);
  return () => {
    clearTimeout(timer);
    timer = 0;
  };
}
