import { test } from "vitest";
import { made } from "./synthesised.ts";
import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks, HIPAASecurityChecks } from "cdk-nag";
test("x", () => {
  const { app } = made();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
  const out = app.synth();
  console.log(out.directory);
});
