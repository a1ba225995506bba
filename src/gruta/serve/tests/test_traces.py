"""Spans reach a collector, inside the client's trace."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest

from gruta.serve.tests.conftest import SERIES, serving

trace = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(BaseHTTPRequestHandler):
    """Takes what an exporter sends."""

    def do_POST(self):
        import gzip

        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        self.server.got.append(trace.ExportTraceServiceRequest.FromString(raw))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_questions_streams_and_sampled_steps_are_spans_of_the_clients_trace(collector):
    async def stream(server, sampled):
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-{sampled:02}"}
        async with server.stream(additional_headers=headers) as client:
            for _step in range(3):
                await client.step([[1.0, 2.0]])
            await client.ask(end={})

    with serving(traces=f"http://127.0.0.1:{collector.server_port}/v1/traces") as server:
        asyncio.run(stream(server, 1))
        asyncio.run(stream(server, 0))
        address = f"{server.http}/v1/{SERIES.stem}/predict"
        assert httpx2.post(address, json={"cases": []}).status_code == 200
    spans = [
        span
        for sent in collector.got
        for resource in sent.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    names = sorted(span.name for span in spans)
    assert names == ["predict", "step", "step", "step", "stream"]
    own = {span.name: span for span in spans}
    assert own["stream"].trace_id.hex() == own["step"].trace_id.hex() == TRACE
    assert own["step"].parent_span_id == own["stream"].span_id
    facts = {one.key: one.value for one in own["stream"].attributes}
    assert facts["gruta.steps"].int_value == 3
    assert facts["gruta.reason"].string_value == "client"
    assert {one.key for one in own["predict"].attributes} >= {"gruta.model", "gruta.status"}
