/** As whom the control plane of the tests asks the provider of identities, and which that is. */

export const CLIENT_ID = "tailward-of-the-tests";
export const CLIENT_SECRET = "secret-of-tailward-of-the-tests-0123456789";
export const IDENTITY_ISSUER = "https://id.test";
