import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { latchkey } from "../lib/latchkey.ts";
import { settingsFile } from "../lib/settings.ts";

const binaries =
  process.env["LATCHKEY_BINARIES"] || fileURLToPath(new URL("../../../target/lambda", import.meta.url));

latchkey(new App(), settingsFile(), binaries, process.env["CDK_DEFAULT_ACCOUNT"]);
