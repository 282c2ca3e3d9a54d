/** Looking up names that users chose. */

/** What a record holds under a name, which may be `constructor` or `__proto__`. */
export function held<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}
