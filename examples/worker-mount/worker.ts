// A Worker that mounts a repository while it answers a request: no clone, no disk, no Node.
import { createCoregitClient } from "@coregit/sdk";

interface Env {
  readonly COREGIT_URL: string;
  readonly COREGIT_API_KEY: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const cg = createCoregitClient({ apiKey: env.COREGIT_API_KEY, baseUrl: env.COREGIT_URL });
    const fs = await cg.fs.mount({ repos: [{ slug: "notes", as: "/" }], branch: "main" });
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") {
      await fs.writeFile(pathname, await request.text());
      const [sha] = Object.values(await fs.commit({ message: `Write ${pathname}` }));
      return Response.json({ sha });
    }
    if (!(await fs.exists(pathname))) return new Response("not found\n", { status: 404 });
    if ((await fs.stat(pathname)).type !== "folder") return new Response(fs.createReadStream(pathname));
    const names = (await fs.readdir(pathname)).map(({ name, size }) => `${name} (${size})`);
    return Response.json(names);
  },
};
