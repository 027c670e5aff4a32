/** What a call answers, or with which words it refuses. */
export function outcome<T>(call: () => T): { readonly answer: T } | { readonly refusal: string } {
  try {
    return { answer: call() };
  } catch (error) {
    return { refusal: String(error) };
  }
}
