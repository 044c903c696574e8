/** Path of the page for one interaction. */
export const interactionPath = (uid: string) => `/oauth/interaction/${uid}`;
