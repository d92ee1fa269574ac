// The shape of work of a server that keeps nothing: read the form, find its parts, answer 202.
// It takes a port as its argument; benchmarks/accept.py starts and ends it.
import { createServer } from "node:http";

const parts = (body, boundary) => {
  const found = [];
  let at = body.indexOf(boundary);
  while (at !== -1) {
    const next = body.indexOf(boundary, at + boundary.length);
    if (next === -1) break;
    const head = body.indexOf("\r\n\r\n", at);
    found.push(body.subarray(head + 4, next - 2).toString("base64"));
    at = next;
  }
  return found;
};

createServer((request, response) => {
  const blocks = [];
  request.on("data", (block) => blocks.push(block));
  request.on("end", () => {
    const boundary = "--" + request.headers["content-type"].split("boundary=")[1];
    parts(Buffer.concat(blocks), boundary);
    response.writeHead(202, { "Content-Length": "0" });
    response.end();
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
