/** Where a consumer says what it met: the part of a structured logger that it uses, detail first. */
export interface ConsumerLog {
  /** It goes on by itself. */
  warn(detail: object, message: string): void;
  /** Somebody should look. */
  error(detail: object, message: string): void;
}
