// M1, M2, M3 and M4 as event loops written by hand: what one core can do when a program knows only one model.
//
//     g++ -O3 -march=native -std=c++17 -o loops loops.cpp      (-DZIGGURAT: ziggurat exponentials, for information)
//     ./loops MODEL JOBS SEED [IN_FLIGHT]                      (IN_FLIGHT: of m4)
//
// Prints one line of JSON: seconds of the loop, model events, mean and p99 of the response. A model event is an
// arrival, a start or an end (or interruption) of a timed activity, a failure or a repair. Every response is recorded;
// the first tenth is left out of mean and p99 (not in m4, where that would favour short jobs). Nothing else is kept.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using Index = uint32_t;
template <class T> using Array = std::vector<T>;
static constexpr Index NONE = ~0u;

// ---- random numbers: xoshiro256++ (Blackman and Vigna 2021); ziggurats of Marsaglia and Tsang (2000), 256 layers ----

struct Ziggurat {
    double x[257], f[257];
    template <class Density, class Inverse> Ziggurat(double tail, double area, Density density, Inverse inverse) {
        x[0] = area / density(tail);
        x[1] = tail;
        for (int i = 2; i < 256; ++i) x[i] = inverse(area / x[i - 1] + density(x[i - 1]));
        x[256] = 0;
        for (int i = 0; i < 257; ++i) f[i] = density(x[i]);
    }
};

class Random {
    uint64_t a, b, c, d;
    static uint64_t rotated(uint64_t word, int by) { return word << by | word >> (64 - by); }
    static inline const Ziggurat normal_layers{
        3.6541528853610088, 0.00492867323399, [](double x) { return std::exp(-x * x / 2); },
        [](double y) { return std::sqrt(-2 * std::log(y)); }};
#ifdef ZIGGURAT
    static inline const Ziggurat exponential_layers{
        7.69711747013104972, 0.0039496598225815571993, [](double x) { return std::exp(-x); },
        [](double y) { return -std::log(y); }};
#endif

    static uint64_t mixed(uint64_t &state) {  // splitmix64, which fills the state
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }

  public:
    explicit Random(uint64_t seed) : a(mixed(seed)), b(mixed(seed)), c(mixed(seed)), d(mixed(seed)) {}

    uint64_t word() {
        uint64_t result = rotated(a + d, 23) + a, shifted = b << 17;
        c ^= a, d ^= b, b ^= c, a ^= d, c ^= shifted, d = rotated(d, 45);
        return result;
    }
    static double unit(uint64_t word) { return (word >> 11) * 0x1p-53; }  // in [0, 1)

    double exponential() {
#ifdef ZIGGURAT
        for (double beyond = 0;;) {
            uint64_t bits = word();
            int layer = bits & 255;
            double x = unit(bits) * exponential_layers.x[layer];
            if (x < exponential_layers.x[layer + 1]) return beyond + x;
            if (layer == 0) {
                beyond += exponential_layers.x[1];  // the tail looks like the whole
                continue;
            }
            double low = exponential_layers.f[layer], high = exponential_layers.f[layer + 1];
            if (low + unit(word()) * (high - low) < std::exp(-x)) return beyond + x;
        }
#else
        return -std::log(1 - unit(word()));
#endif
    }
    double normal() {
        for (;;) {
            uint64_t bits = word();
            int layer = bits & 255;
            double x = unit(bits) * normal_layers.x[layer], sign = bits & 256 ? 1 : -1;
            if (x < normal_layers.x[layer + 1]) return sign * x;
            if (layer == 0) {
                double tail = normal_layers.x[1], over, bound;
                do over = -std::log(1 - unit(word())) / tail, bound = -2 * std::log(1 - unit(word()));
                while (bound < over * over);
                return sign * (tail + over);
            }
            double low = normal_layers.f[layer], high = normal_layers.f[layer + 1];
            if (low + unit(word()) * (high - low) < std::exp(-x * x / 2)) return sign * x;
        }
    }
};

// ---- the event list: a heap of arity 4, ordered by time, then by order of scheduling --------------------------------

struct Event {
    double time;
    uint64_t key;  // order of scheduling << 24 | what
    Index what() const { return key & 0xffffff; }
    bool before(const Event &other) const { return time < other.time || (time == other.time && key < other.key); }
};

class EventList {
    Array<Event> events;
    size_t count = 0;
    uint64_t scheduled = 0;
    bool hole = false;  // the first event is being handled: the next one scheduled takes its place

    void sink(Event event) {
        Event *heap = events.data();
        size_t at = 0;
        for (;;) {
            size_t child = 4 * at + 1;
            if (child >= count) break;
            size_t least = child, end = std::min(child + 4, count);
            for (size_t other = child + 1; other < end; ++other)
                if (heap[other].before(heap[least])) least = other;
            if (!heap[least].before(event)) break;
            heap[at] = heap[least];
            at = least;
        }
        heap[at] = event;
    }

  public:
    explicit EventList(size_t room) : events(room) {}

    double next() const { return count ? events[0].time : INFINITY; }

    Event take() {  // to be followed by done()
        hole = true;
        return events[0];
    }
    void done() {
        if (!hole) return;
        hole = false;
        if (--count) sink(events[count]);
    }
    uint64_t schedule(double time, Index what) {
        Event event{time, scheduled++ << 24 | what};
        if (hole) {
            hole = false;
            sink(event);
            return event.key;
        }
        if (count == events.size()) events.resize(2 * count);
        Event *heap = events.data();
        size_t at = count++;
        while (at > 0) {
            size_t parent = (at - 1) / 4;
            if (!event.before(heap[parent])) break;
            heap[at] = heap[parent];
            at = parent;
        }
        heap[at] = event;
        return event.key;
    }
};

template <class T> class Line {  // first in, first out; grows as needed
    Array<T> ring = Array<T>(1024);
    size_t first = 0, last = 0;

  public:
    bool empty() const { return first == last; }
    void push(T value) {
        if (last - first == ring.size()) {
            Array<T> larger(2 * ring.size());
            for (size_t i = first; i < last; ++i) larger[i & (larger.size() - 1)] = ring[i & (ring.size() - 1)];
            ring.swap(larger);
        }
        ring[last++ & (ring.size() - 1)] = value;
    }
    T pop() { return ring[first++ & (ring.size() - 1)]; }
};

class Numbers {  // of jobs that are there; given back, they are used again
    Array<Index> free;
    Index next = 0;

  public:
    Index take() {
        if (free.empty()) return next++;
        Index number = free.back();
        free.pop_back();
        return number;
    }
    void give_back(Index number) { free.push_back(number); }
};

struct Outcome {
    Array<double> responses;
    uint64_t events = 0;
    explicit Outcome(size_t jobs) : responses(jobs, 1.0) {}  // written to, so that its pages are there
};

// ---- the models -----------------------------------------------------------------------------------------------------

static void m1(size_t jobs, uint64_t seed, Outcome &outcome) {
    constexpr int SERVERS = 8;
    const double gap = 1 / 7.2;
    Random random(seed);
    EventList list(64);
    Line<double> waiting;
    double came[SERVERS];
    Index idle[SERVERS], idle_count = SERVERS;
    for (Index i = 0; i < SERVERS; ++i) idle[i] = i;
    double arrival = gap * random.exponential();
    uint64_t events = 0;
    for (size_t arrived = 0, ended = 0; ended < jobs;) {
        if (arrival <= list.next()) {
            double now = arrival;
            arrival = ++arrived < jobs ? now + gap * random.exponential() : INFINITY;
            ++events;
            if (idle_count) {
                Index server = idle[--idle_count];
                came[server] = now;
                ++events;
                list.schedule(now + random.exponential(), server);
            } else
                waiting.push(now);
        } else {
            Event event = list.take();
            Index server = event.what();
            ++events;
            outcome.responses[ended++] = event.time - came[server];
            if (waiting.empty())
                idle[idle_count++] = server;
            else {
                came[server] = waiting.pop();
                ++events;
                list.schedule(event.time + random.exponential(), server);
            }
            list.done();
        }
    }
    outcome.events = events;
}

static const double SIGMA = std::sqrt(std::log(2.0)), MU = std::log(0.010) - SIGMA * SIGMA / 2;

static void m2(size_t jobs, uint64_t seed, Outcome &outcome) {
    constexpr size_t ROOM = 1 << 16;  // jobs there at once; far more than ever are
    enum : uint8_t { FIRST_WRITE, COMPUTE, SECOND_WRITE };
    const double gap = 1 / 140.0;
    Random random(seed);
    EventList list(1024);
    Line<Index> for_slot, for_connection, for_storage;
    int slots = 20, connections = 10, storage = 4;
    Array<double> came(ROOM);
    Array<uint8_t> stage(ROOM);
    Numbers numbers;
    double now = 0, arrival = gap * random.exponential();
    uint64_t events = 0;

    auto write = [&](Index job) {
        ++events;
        list.schedule(now + std::exp(MU + SIGMA * random.normal()), job);
    };
    auto ask_storage = [&](Index job) { storage ? --storage, write(job) : for_storage.push(job); };
    auto ask_connection = [&](Index job) { connections ? --connections, ask_storage(job) : for_connection.push(job); };

    for (size_t arrived = 0, ended = 0; ended < jobs;) {
        if (arrival <= list.next()) {
            now = arrival;
            arrival = ++arrived < jobs ? now + gap * random.exponential() : INFINITY;
            ++events;
            Index job = numbers.take();
            if (job >= ROOM) std::abort();
            came[job] = now;
            stage[job] = FIRST_WRITE;
            slots ? --slots, ask_connection(job) : for_slot.push(job);
            continue;
        }
        Event event = list.take();
        Index job = event.what();
        now = event.time;
        ++events;
        if (stage[job] == COMPUTE) {
            stage[job] = SECOND_WRITE;
            ask_connection(job);
        } else {
            for_storage.empty() ? void(++storage) : write(for_storage.pop());
            for_connection.empty() ? void(++connections) : ask_storage(for_connection.pop());
            if (stage[job] == FIRST_WRITE) {
                stage[job] = COMPUTE;
                ++events;
                list.schedule(now + 0.070 * random.exponential(), job);
            } else {
                outcome.responses[ended++] = now - came[job];
                numbers.give_back(job);
                for_slot.empty() ? void(++slots) : ask_connection(for_slot.pop());
            }
        }
        list.done();
    }
    outcome.events = events;
}

// Waiting jobs in a doubly linked list, so that one that is interrupted leaves it at once.
struct Queue {
    Index first = NONE, last = NONE;
};

static void m3(size_t jobs, uint64_t seed, Outcome &outcome) {
    constexpr size_t ROOM = 1 << 16;
    constexpr Index SLOTS = 20;
    enum : Index { JOB = 0, BACKED_OFF = 1 << 20, FAILURE = 2 << 20, REPAIR = 3 << 20, KIND = 3 << 20 };
    enum : uint8_t { OUTSIDE, FOR_SLOT, FOR_CONNECTION, FOR_STORAGE, WRITING, COMPUTING };
    const double gap = 1 / 140.0;
    Random random(seed);
    EventList list(1024);
    Queue queues[3];
    int connections = 10, storage = 4;
    Index idle[SLOTS], idle_count = 0, place[SLOTS], on[SLOTS];  // place: where in `idle`; on: the job on it
    Array<double> came(ROOM);
    Array<uint8_t> state(ROOM), second(ROOM), tries(ROOM);
    Array<Index> slot(ROOM), before(ROOM), after(ROOM);
    Array<uint64_t> pending(ROOM);  // key of the job's own event; any other is stale
    Numbers numbers;
    double now = 0, arrival = gap * random.exponential();
    uint64_t events = 0;

    auto join = [&](int line, Index job) {
        Queue &queue = queues[line];
        before[job] = queue.last;
        after[job] = NONE;
        (queue.last == NONE ? queue.first : after[queue.last]) = job;
        queue.last = job;
        state[job] = FOR_SLOT + line;
    };
    auto leave = [&](int line, Index job) {
        Queue &queue = queues[line];
        (before[job] == NONE ? queue.first : after[before[job]]) = after[job];
        (after[job] == NONE ? queue.last : before[after[job]]) = before[job];
    };
    auto head = [&](int line) {
        Index job = queues[line].first;
        if (job != NONE) leave(line, job);
        return job;
    };
    auto write = [&](Index job) {
        state[job] = WRITING;
        ++events;
        pending[job] = list.schedule(now + std::exp(MU + SIGMA * random.normal()), JOB | job);
    };
    auto ask_storage = [&](Index job) { storage ? --storage, write(job) : join(2, job); };
    auto ask_connection = [&](Index job) { connections ? --connections, ask_storage(job) : join(1, job); };
    auto free_storage = [&] {
        Index job = head(2);
        job == NONE ? void(++storage) : write(job);
    };
    auto free_connection = [&] {
        Index job = head(1);
        job == NONE ? void(++connections) : ask_storage(job);
    };
    auto begin = [&](Index job, Index number) {
        slot[job] = number;
        on[number] = job;
        second[job] = 0;
        ask_connection(job);
    };
    auto free_slot = [&](Index number) {
        Index job = head(0);
        if (job != NONE) return begin(job, number);
        on[number] = NONE;
        place[number] = idle_count;
        idle[idle_count++] = number;
    };
    auto ask_slot = [&](Index job) { idle_count ? begin(job, idle[--idle_count]) : join(0, job); };
    auto interrupt = [&](Index job) {  // everything but the slot is given back; the job backs off
        uint8_t was = state[job];
        pending[job] = ~0ull;
        state[job] = OUTSIDE;
        if (was == WRITING || was == COMPUTING) ++events;
        if (was == FOR_CONNECTION) leave(1, job);
        if (was == FOR_STORAGE) leave(2, job);
        if (was == WRITING) free_storage();
        if (was == WRITING || was == FOR_STORAGE) free_connection();
        double pause = std::min(10.0, std::ldexp(0.1, tries[job]));
        if (tries[job] < 20) ++tries[job];
        ++events;
        list.schedule(now + pause, BACKED_OFF | job);
    };

    for (Index number = SLOTS; number-- > 0;) {
        free_slot(number);
        list.schedule(5 * random.exponential(), FAILURE | number);
    }
    for (size_t arrived = 0, ended = 0; ended < jobs;) {
        if (arrival <= list.next()) {
            now = arrival;
            arrival = ++arrived < jobs ? now + gap * random.exponential() : INFINITY;
            ++events;
            Index job = numbers.take();
            if (job >= ROOM) std::abort();
            came[job] = now;
            tries[job] = 0;
            ask_slot(job);
            continue;
        }
        Event event = list.take();
        Index kind = event.what() & KIND, number = event.what() & ~KIND;
        now = event.time;
        if (kind == JOB) {
            Index job = number;
            if (pending[job] == event.key) {
                ++events;
                if (state[job] == COMPUTING) {
                    second[job] = 1;
                    ask_connection(job);
                } else {
                    free_storage();
                    free_connection();
                    if (second[job]) {
                        outcome.responses[ended++] = now - came[job];
                        pending[job] = ~0ull;
                        numbers.give_back(job);
                        free_slot(slot[job]);
                    } else {
                        state[job] = COMPUTING;
                        ++events;
                        pending[job] = list.schedule(now + 0.070 * random.exponential(), JOB | job);
                    }
                }
            }
        } else {
            ++events;
            if (kind == BACKED_OFF)
                ask_slot(number);
            else if (kind == FAILURE) {
                list.schedule(now + 0.25 * random.exponential(), REPAIR | number);
                if (on[number] != NONE) {
                    Index job = on[number];
                    on[number] = NONE;
                    interrupt(job);
                } else {
                    Index moved = idle[--idle_count];
                    idle[place[number]] = moved;
                    place[moved] = place[number];
                }
            } else {
                list.schedule(now + 5 * random.exponential(), FAILURE | number);
                free_slot(number);
            }
        }
        list.done();
    }
    outcome.events = events;
}

static void m4(size_t jobs, uint64_t seed, double in_flight, Outcome &outcome) {
    const double gap = 1 / in_flight;
    Random random(seed);
    size_t room = size_t(1.2 * in_flight) + 1024;
    if (room > 1 << 24) std::abort();  // what a key can number
    EventList list(room);
    Array<double> came(room);
    Numbers numbers;
    double arrival = gap * random.exponential();
    uint64_t events = 0;
    for (size_t arrived = 0, ended = 0; ended < jobs;) {
        if (arrival <= list.next()) {
            double now = arrival;
            arrival = ++arrived < jobs ? now + gap * random.exponential() : INFINITY;
            Index job = numbers.take();
            if (job >= room) std::abort();
            came[job] = now;
            events += 2;
            list.schedule(now + random.exponential(), job);
        } else {
            Event event = list.take();
            ++events;
            outcome.responses[ended++] = event.time - came[event.what()];
            numbers.give_back(event.what());
            list.done();
        }
    }
    outcome.events = events;
}

int main(int count, char **words) {
    if (count < 4) return std::fprintf(stderr, "loops MODEL JOBS SEED [IN_FLIGHT]\n"), 2;
    std::string model = words[1];
    size_t jobs = std::strtoull(words[2], nullptr, 10);
    uint64_t seed = std::strtoull(words[3], nullptr, 10);
    Outcome outcome(jobs);
    auto began = std::chrono::steady_clock::now();
    if (model == "m1")
        m1(jobs, seed, outcome);
    else if (model == "m2")
        m2(jobs, seed, outcome);
    else if (model == "m3")
        m3(jobs, seed, outcome);
    else if (model == "m4")
        m4(jobs, seed, count > 4 ? std::strtod(words[4], nullptr) : 1e6, outcome);
    else
        return std::fprintf(stderr, "no model %s\n", words[1]), 2;
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

    Array<double> &times = outcome.responses;
    auto first = times.begin() + (model == "m4" ? 0 : jobs / 10), p99 = first + size_t(0.99 * (times.end() - first - 1));
    double sum = 0;
    for (auto time = first; time != times.end(); ++time) sum += *time;
    std::nth_element(first, p99, times.end());
    std::printf("{\"model\": \"%s\", \"jobs\": %zu, \"seconds\": %.6f, \"events\": %llu, \"mean\": %.6f, \"p99\": %.6f}\n",
                words[1], jobs, seconds, (unsigned long long)outcome.events, sum / (times.end() - first), *p99);
}
