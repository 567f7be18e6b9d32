import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { latchkey } from "../lib/latchkey.ts";
import { provisional, settingsFile } from "../lib/settings.ts";

const binaries =
  process.env["LATCHKEY_BINARIES"] || fileURLToPath(new URL("../../../target/lambda", import.meta.url));

const app = new App();
const settings = settingsFile();
// `ops up` asks for it until all of a first deployment stands.
const chosen = app.node.tryGetContext("provisional") ? provisional(settings) : settings;
latchkey(app, chosen, binaries, process.env["CDK_DEFAULT_ACCOUNT"]);
