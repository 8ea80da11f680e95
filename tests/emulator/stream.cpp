// Streams, events and graphs. All streams are one queue in the order of submission, which
// is an order that any program must bear.

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <set>

#include "driver.h"

namespace emu {
namespace {

struct Event {
    bool pending = false, recorded = false, captured = false;
    std::chrono::steady_clock::time_point when;
};

// Shared with its executables: a graph may be destroyed before them.
struct Graph {
    std::shared_ptr<std::vector<Work>> nodes;
};

std::set<Stream*> streams;
std::set<Event*> events;
std::set<Graph*> graphs, executables;
Stream default_stream;
std::deque<Work> pending;

Stream* capturing() {
    for (Stream* stream : streams) {
        if (stream->capture == Capture::Active) {
            return stream;
        }
    }
    return nullptr;
}

}  // namespace

bool valid(Stream*& stream) {
    if (reinterpret_cast<uintptr_t>(stream) <= 2) {
        stream = &default_stream;
    }
    return stream == &default_stream || streams.count(stream) != 0;
}

void drain() {
    while (!pending.empty()) {
        Work work = std::move(pending.front());
        pending.pop_front();
        work();
    }
}

Result submit(Stream* stream, Work work) {
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    if (stream->capture == Capture::Invalid) {
        return CAPTURE_INVALIDATED;
    }
    if (stream->capture == Capture::Active) {
        stream->captured.push_back(std::move(work));
        return SUCCESS;
    }
    Stream* other = capturing();
    if (stream == &default_stream && other != nullptr && other->blocking) {
        other->capture = Capture::Invalid;
        return refuse(CAPTURE_IMPLICIT, "work for the default stream while another is captured");
    }
    pending.push_back(std::move(work));
    if (pending.size() > 4096) {
        drain();
    }
    return SUCCESS;
}

Result forbidden(const char* call, bool implicit) {
    Stream* stream = capturing();
    if (stream == nullptr) {
        return initialised ? SUCCESS : NOT_INITIALIZED;
    }
    if (implicit && stream->blocking) {
        stream->capture = Capture::Invalid;
        return refuse(CAPTURE_IMPLICIT, "%s uses the default stream while another is captured", call);
    }
    if (stream->mode != 2) {
        stream->capture = Capture::Invalid;
        return refuse(CAPTURE_UNSUPPORTED, "%s during a capture that is not relaxed", call);
    }
    return SUCCESS;
}

Result no_capture(const char* call, Stream* stream) {
    if (stream->capture == Capture::None) {
        return SUCCESS;
    }
    stream->capture = Capture::Invalid;
    return refuse(CAPTURE_UNSUPPORTED, "%s while the stream is captured", call);
}


}  // namespace emu

using namespace emu;
#define LOCKED std::lock_guard<std::recursive_mutex> guard(lock())

EMU_API int cuCtxSynchronize() {
    LOCKED;
    for (Stream* stream : streams) {
        Result result = no_capture("cuCtxSynchronize", stream);
        if (result != SUCCESS) {
            return result;
        }
    }
    drain();
    return SUCCESS;
}

EMU_API int cuStreamCreate(Stream** to, unsigned flags) {
    LOCKED;
    auto stream = std::make_unique<Stream>();
    stream->blocking = (flags & 1) == 0;
    streams.insert(*to = stream.release());
    return SUCCESS;
}
EMU_API int cuStreamCreateWithPriority(Stream** to, unsigned flags, int) { return cuStreamCreate(to, flags); }
EMU_API int cuStreamDestroy_v2(Stream* stream) {
    LOCKED;
    drain();
    if (streams.erase(stream) == 0) {
        return INVALID_HANDLE;
    }
    delete stream;
    return SUCCESS;
}
EMU_API int cuStreamSynchronize(Stream* stream) {
    LOCKED;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    Result result = no_capture("cuStreamSynchronize", stream);
    if (result == SUCCESS) {
        drain();
    }
    return result;
}
// Says "not ready" once where there is work, and does it.
EMU_API int cuStreamQuery(Stream* stream) {
    LOCKED;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    Result result = no_capture("cuStreamQuery", stream);
    if (result != SUCCESS || pending.empty()) {
        return result;
    }
    drain();
    return NOT_READY;
}
EMU_API int cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
    LOCKED;
    return valid(stream) && events.count(event) != 0 ? SUCCESS : INVALID_HANDLE;
}
EMU_API int cuLaunchHostFunc(Stream* stream, void (*call)(void*), void* with) {
    LOCKED;
    return submit(stream, [=] { call(with); });
}

EMU_API int cuStreamBeginCapture_v2(Stream* stream, int mode) {
    LOCKED;
    if (!valid(stream) || stream == &default_stream || stream->capture != Capture::None) {
        return refuse(stream == &default_stream ? CAPTURE_UNSUPPORTED : INVALID_VALUE,
                      "cuStreamBeginCapture: the default stream, no stream, or one captured already");
    }
    stream->capture = Capture::Active;
    stream->mode = mode;
    stream->captured.clear();
    return SUCCESS;
}
EMU_API int cuStreamEndCapture(Stream* stream, Graph** to) {
    LOCKED;
    *to = nullptr;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    if (stream->capture == Capture::None) {
        return CAPTURE_UNMATCHED;
    }
    bool whole = stream->capture == Capture::Active;
    stream->capture = Capture::None;
    for (Event* event : events) {
        event->captured = false;
    }
    auto nodes = std::make_shared<std::vector<Work>>(std::move(stream->captured));
    stream->captured.clear();
    if (!whole) {
        return CAPTURE_INVALIDATED;
    }
    graphs.insert(*to = new Graph{nodes});
    return SUCCESS;
}
EMU_API int cuStreamIsCapturing(Stream* stream, int* to) {
    LOCKED;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    *to = int(stream->capture);
    return SUCCESS;
}

EMU_API int cuGraphInstantiateWithFlags(Graph** to, Graph* graph, unsigned long long) {
    LOCKED;
    if (graphs.count(graph) == 0) {
        return INVALID_HANDLE;
    }
    executables.insert(*to = new Graph{graph->nodes});
    return SUCCESS;
}
EMU_API int cuGraphInstantiate_v2(Graph** to, Graph* graph, void**, char*, size_t) {
    return cuGraphInstantiateWithFlags(to, graph, 0);
}
EMU_API int cuGraphUpload(Graph* graph, Stream* stream) {
    LOCKED;
    return executables.count(graph) != 0 && valid(stream) ? SUCCESS : INVALID_HANDLE;
}
EMU_API int cuGraphLaunch(Graph* graph, Stream* stream) {
    LOCKED;
    if (executables.count(graph) == 0) {
        return INVALID_HANDLE;
    }
    return submit(stream, [nodes = graph->nodes] {
        for (const Work& node : *nodes) {
            node();
        }
    });
}
EMU_API int cuGraphGetNodes(Graph* graph, void**, size_t* count) {
    LOCKED;
    if (graphs.count(graph) == 0) {
        return INVALID_HANDLE;
    }
    *count = graph->nodes->size();
    return SUCCESS;
}
EMU_API int cuGraphDestroy(Graph* graph) {
    LOCKED;
    if (graphs.erase(graph) == 0) {
        return INVALID_HANDLE;
    }
    delete graph;
    return SUCCESS;
}
EMU_API int cuGraphExecDestroy(Graph* graph) {
    LOCKED;
    if (executables.erase(graph) == 0) {
        return INVALID_HANDLE;
    }
    delete graph;
    return SUCCESS;
}

EMU_API int cuEventCreate(Event** to, unsigned) {
    LOCKED;
    events.insert(*to = new Event);
    return SUCCESS;
}
EMU_API int cuEventDestroy_v2(Event* event) {
    LOCKED;
    drain();
    if (events.erase(event) == 0) {
        return INVALID_HANDLE;
    }
    delete event;
    return SUCCESS;
}
EMU_API int cuEventRecord(Event* event, Stream* stream) {
    LOCKED;
    if (events.count(event) == 0 || !valid(stream)) {
        return INVALID_HANDLE;
    }
    event->captured = stream->capture == Capture::Active;
    if (event->captured) {
        return SUCCESS;
    }
    event->pending = event->recorded = true;
    return submit(stream, [event] {
        event->pending = false;
        event->when = std::chrono::steady_clock::now();
    });
}
EMU_API int cuEventSynchronize(Event* event) {
    LOCKED;
    if (events.count(event) == 0) {
        return INVALID_HANDLE;
    }
    if (event->captured) {
        return CAPTURED_EVENT;
    }
    if (event->pending) {
        drain();
    }
    return SUCCESS;
}
EMU_API int cuEventQuery(Event* event) {
    LOCKED;
    if (events.count(event) == 0) {
        return INVALID_HANDLE;
    }
    if (event->captured) {
        return CAPTURED_EVENT;
    }
    if (event->pending) {
        drain();
        return NOT_READY;
    }
    return SUCCESS;
}
EMU_API int cuEventElapsedTime(float* to, Event* from, Event* until) {
    LOCKED;
    if (events.count(from) == 0 || events.count(until) == 0 || !from->recorded || !until->recorded) {
        return INVALID_HANDLE;
    }
    if (from->pending || until->pending) {
        return NOT_READY;
    }
    *to = std::chrono::duration<float, std::milli>(until->when - from->when).count();
    return SUCCESS;
}
