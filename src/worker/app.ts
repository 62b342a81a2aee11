/** The Worker's one app: the node API behind signed HTTPS, the admin API, and a page that says that it is there. */

import { Hono } from "hono";
import { adminApi } from "./admin/api.ts";
import { apiDocs } from "./admin/api-docs.ts";
import type { AppTypes } from "./app-types.ts";
import { limitBody } from "./body.ts";
import { controlRoutes } from "./nodes/control-routes.ts";
import { healthRoutes } from "./watch/health.ts";
import { refuseFault, refuseUnknownPath } from "./http-errors.ts";
import { inviteRoutes } from "./people/invite-routes.ts";
import { loginRoutes } from "./people/login-routes.ts";
import { metricsRoutes } from "./watch/metrics.ts";
import { nodeApi } from "./nodes/node-api.ts";
import { oauthToken } from "./admin/oauth-token.ts";
import { refuseNatively } from "./nodes/native-refusals.ts";
import { requireSignature } from "./nodes/request-auth.ts";
import { followRequest } from "./request-log.ts";
import { signInRoutes } from "./people/sign-in-routes.ts";

export const app = new Hono<AppTypes>();

app.use(followRequest);
app.use("/machine/*", refuseNatively);
app.use(limitBody);
app.use("/machine/*", requireSignature);
app.route("/", controlRoutes);
app.route("/", nodeApi);
app.route("/", apiDocs);
app.route("/", oauthToken);
app.route("/", adminApi);
app.route("/", signInRoutes);
app.route("/", inviteRoutes);
app.route("/", loginRoutes);
app.route("/", healthRoutes);
app.route("/", metricsRoutes);
app.notFound(refuseUnknownPath);
app.onError(refuseFault);
