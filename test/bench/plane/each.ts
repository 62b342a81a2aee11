/** Work on many things, some at once. */

/** Requests that are under way at once while a tailnet is filled. */
export const HANDS = 8;

/** Runs `work` for 0 to `count - 1`. */
export async function each(count: number, work: (i: number) => Promise<void>, hands = HANDS): Promise<void> {
  let next = 0;
  const hand = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: hands }, hand));
}
