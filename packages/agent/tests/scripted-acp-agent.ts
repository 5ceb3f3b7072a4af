// An agent that speaks the Agent Client Protocol and plays one scene, named by
// its argument. No model is behind it.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import {
  agent,
  methods,
  ndJsonStream,
  type AgentContext,
  type PromptResponse,
} from "@agentclientprotocol/sdk";

const scene = process.argv[2] ?? "";
const SESSION = { sessionId: "scripted-session" };
let cwd = "";
let canceled = false;

const say = (client: AgentContext, text: string) =>
  client.notify(methods.client.session.update, {
    ...SESSION,
    update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
  });

async function play(client: AgentContext, prompt: string): Promise<PromptResponse> {
  switch (scene) {
    case "edit": {
      const path = join(cwd, "a.txt");
      for (const piece of ["Change", "d by a ", "script."]) await say(client, piece);
      const { content } = await client.request(methods.client.fs.readTextFile, { ...SESSION, path });
      await client.request(methods.client.fs.writeTextFile, {
        ...SESSION,
        path,
        content: content.replace("one", "two"),
      });
      const toolCallId = "call-1";
      const update = { sessionUpdate: "tool_call" as const, toolCallId, title: "npm test" };
      await client.notify(methods.client.session.update, {
        ...SESSION,
        update: { ...update, kind: "execute", status: "in_progress" },
      });
      await client.notify(methods.client.session.update, {
        ...SESSION,
        update: {
          sessionUpdate: "tool_call_update",
          toolCallId,
          status: "completed",
          content: [
            { type: "content", content: { type: "text", text: "1 passed" } },
            { type: "diff", path: join(cwd, "b.txt"), newText: "new" },
          ],
        },
      });
      await say(client, "Done.");
      return { stopReason: "end_turn" };
    }
    case "permission": {
      const { outcome } = await client.request(methods.client.session.requestPermission, {
        ...SESSION,
        toolCall: { toolCallId: "call-1", title: "Remove everything" },
        options: [
          { optionId: "always", name: "Always", kind: "allow_always" },
          { optionId: "once", name: "Once", kind: "allow_once" },
          { optionId: "no", name: "No", kind: "reject_once" },
        ],
      });
      await say(client, outcome.outcome === "selected" ? outcome.optionId : outcome.outcome);
      return { stopReason: "end_turn" };
    }
    case "files": {
      const refusals: string[] = [];
      for (const path of [
        "../outside.txt",
        "link-out/outside.txt",
        "link-file",
        ".git/config",
        "sub/../../outside.txt",
      ]) {
        const file = { ...SESSION, path: `${cwd}/${path}` };
        const read = client.request(methods.client.fs.readTextFile, file);
        refusals.push(
          await read.then(
            () => `read ${path}`,
            () => "refused",
          ),
        );
        const write = client.request(methods.client.fs.writeTextFile, { ...file, content: "broken out" });
        refusals.push(
          await write.then(
            () => `wrote ${path}`,
            () => "refused",
          ),
        );
      }
      await say(client, [...new Set(refusals)].join(", "));
      return { stopReason: "end_turn" };
    }
    case "dependencies": {
      const read = (path: string) => client.request(methods.client.fs.readTextFile, { ...SESSION, path });
      const { content } = await read(join(cwd, "node_modules/dep/index.js"));
      const file = { ...SESSION, path: join(cwd, "node_modules/dep/index.js"), content: "broken in" };
      const written = await client.request(methods.client.fs.writeTextFile, file).then(
        () => "wrote",
        () => "refused",
      );
      await say(client, `${content} ${written} ${process.env["PYTHONPATH"]}`);
      return { stopReason: "end_turn" };
    }
    case "environment": {
      const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
      await say(client, JSON.stringify({ ...process.env, processes: processes.length }));
      return { stopReason: "end_turn" };
    }
    case "wait":
      writeFileSync(join(cwd, "started"), "");
      while (!canceled) await new Promise((resolve) => setTimeout(resolve, 10));
      return { stopReason: "cancelled" };
    case "crash":
      process.stderr.write("the scripted agent has lost its way\n");
      return process.exit(3);
    case "refuse":
      await say(client, "I will not.");
      return { stopReason: "refusal" };
    default:
      await say(client, prompt);
      return { stopReason: "end_turn" };
  }
}

agent({ name: "scripted" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: scene === "version" ? 7 : 1,
    agentCapabilities: {},
  }))
  .onRequest(methods.agent.session.new, ({ params }) => {
    cwd = params.cwd;
    return SESSION;
  })
  .onRequest(methods.agent.session.prompt, ({ params, client }) => {
    const [block] = params.prompt;
    return play(client, block?.type === "text" ? block.text : "");
  })
  .onNotification(methods.agent.session.cancel, () => {
    canceled = true;
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), ReadableStream.from(Readable.from(process.stdin))));
