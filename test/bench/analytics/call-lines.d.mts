/** @returns messages as a forwarder makes them, of that many events */
export function messagesOf(events: number): { readonly id: string; readonly data: Buffer }[];
