import { hash } from "node:crypto";
import { Distribution, bind, type Binding } from "@openagents/contracts";

/** @param openApiText asked at each call, because the document lists these routes, too */
export function distributionRoutes(deps: { readonly openApiText: () => string }): Binding {
  return bind(Distribution, {
    async getControlOpenApi() {
      const text = deps.openApiText();
      return {
        contentType: "application/json; charset=utf-8",
        data: Buffer.from(text),
        cacheControl: "public, max-age=60",
        etag: `"${hash("sha256", text)}"`,
      };
    },
  });
}
