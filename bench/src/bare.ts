// The least that a service in Fastify can do: answer one JSON object. What our
// edge costs on top of it is what a read is measured by.

import Fastify from "fastify";

const app = Fastify({ logger: false });
app.get("/bare/:id", async (request) => ({ id: (request.params as { id: string }).id, status: "created" }));
const url = await app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.once("SIGTERM", () => process.exit(0));
// The bench is gone, however it ended.
process.stdin.resume().once("end", () => process.exit(0));
