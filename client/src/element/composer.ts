/** What a text field does with what is typed into it. */
export interface Composer {
  /** undefined: it cannot be sent yet, and stays. */
  readonly send: (text: string) => Promise<unknown> | undefined;
  readonly onRefused: (error: unknown) => void;
}

/** A question that comes to nothing stands in the field again, unless another is there by then. */
export function sendTyped(
  form: HTMLFormElement,
  input: HTMLInputElement,
  { send, onRefused }: Composer,
): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const sent = text === '' ? undefined : send(text);
    if (!sent) return;
    input.value = '';
    sent.catch((error: unknown) => {
      if (input.value === '') input.value = text;
      onRefused(error);
    });
  });
}
