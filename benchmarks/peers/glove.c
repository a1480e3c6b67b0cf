/* GloVe as one would write it: one pair at a time, lock-free threads, pairs shuffled once.

   The update is that of Pennington, Socher and Manning's glove.c, in float instead of double:

       d = w_i . c_j + a_i + b_j - ln x ,  f = min(1, (x / x_max)^alpha)
       g = clip(f d c_j, 100) eta ,  w_i -= g / sqrt(G) ,  G += g^2      (and so for c_j, from the old w_i)
       a_i -= f d / sqrt(H) ,  H += (f d)^2                              (and so for b_j)

   glove COUNTS OUT keys dim epochs threads seed rate x_max alpha
   COUNTS holds records of int32 row, int32 column, float32 count. OUT gets keys * dim float32: w + c.
   Prints, for each epoch, its mean cost and its seconds. */

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    int32_t row, column;
    float count;
} Pair;

typedef struct {
    int64_t first, last;
    double cost;
} Share;

static Pair *pairs;
static float *words, *contexts, *word_squares, *context_squares; /* rows of dim coordinates and a bias */
static int64_t dim;
static float rate, x_max, alpha;

static uint64_t state;

static uint64_t draw(void) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

static float clip(float x) { return x < -100 ? -100 : x > 100 ? 100 : x; }

static void *train(void *argument) {
    Share *share = argument;
    share->cost = 0;
    for (int64_t at = share->first; at < share->last; at++) {
        Pair pair = pairs[at];
        float *restrict w = words + pair.row * (dim + 1);
        float *restrict c = contexts + pair.column * (dim + 1);
        float *restrict w_squares = word_squares + pair.row * (dim + 1);
        float *restrict c_squares = context_squares + pair.column * (dim + 1);
        float difference = w[dim] + c[dim] - logf(pair.count);
        for (int64_t k = 0; k < dim; k++) difference += w[k] * c[k];
        float weighted = pair.count > x_max ? difference : powf(pair.count / x_max, alpha) * difference;
        share->cost += 0.5 * weighted * difference;
        for (int64_t k = 0; k < dim; k++) {
            float w_step = clip(weighted * c[k]) * rate;
            float c_step = clip(weighted * w[k]) * rate;
            w[k] -= w_step / sqrtf(w_squares[k]);
            c[k] -= c_step / sqrtf(c_squares[k]);
            w_squares[k] += w_step * w_step;
            c_squares[k] += c_step * c_step;
        }
        w[dim] -= weighted / sqrtf(w_squares[dim]);
        c[dim] -= weighted / sqrtf(c_squares[dim]);
        w_squares[dim] += weighted * weighted;
        c_squares[dim] += weighted * weighted;
    }
    return NULL;
}

static float *filled(int64_t size, float spread) {
    float *array = malloc(size * sizeof(float));
    for (int64_t at = 0; at < size; at++) array[at] = spread ? ((draw() >> 40) / 16777216.0f - 0.5f) * spread : 1;
    return array;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

int main(int count, char **given) {
    if (count != 11) {
        fprintf(stderr, "glove COUNTS OUT keys dim epochs threads seed rate x_max alpha\n");
        return 2;
    }
    int64_t keys = atoll(given[3]);
    dim = atoll(given[4]);
    int epochs = atoi(given[5]), threads = atoi(given[6]);
    state = 88172645463325252ULL + atoll(given[7]);
    rate = atof(given[8]);
    x_max = atof(given[9]);
    alpha = atof(given[10]);

    FILE *file = fopen(given[1], "rb");
    if (!file) return perror(given[1]), 1;
    fseek(file, 0, SEEK_END);
    int64_t total = ftell(file) / sizeof(Pair);
    rewind(file);
    pairs = malloc(total * sizeof(Pair));
    if (!pairs || fread(pairs, sizeof(Pair), total, file) != (size_t)total) return perror(given[1]), 1;
    fclose(file);
    for (int64_t at = total - 1; at > 0; at--) {
        int64_t other = draw() % (at + 1);
        Pair pair = pairs[at];
        pairs[at] = pairs[other];
        pairs[other] = pair;
    }

    int64_t size = keys * (dim + 1);
    words = filled(size, 1.0f / dim);
    contexts = filled(size, 1.0f / dim);
    word_squares = filled(size, 0);
    context_squares = filled(size, 0);
    Share *shares = calloc(threads, sizeof(Share));
    pthread_t *running = calloc(threads, sizeof(pthread_t));
    for (int epoch = 0; epoch < epochs; epoch++) {
        double began = now(), cost = 0;
        for (int each = 0; each < threads; each++) {
            shares[each].first = total * each / threads;
            shares[each].last = total * (each + 1) / threads;
            pthread_create(&running[each], NULL, train, &shares[each]);
        }
        for (int each = 0; each < threads; each++) {
            pthread_join(running[each], NULL);
            cost += shares[each].cost;
        }
        printf("%.6f %.3f\n", cost / total, now() - began);
        fflush(stdout);
    }

    file = fopen(given[2], "wb");
    if (!file) return perror(given[2]), 1;
    for (int64_t key = 0; key < keys; key++)
        for (int64_t k = 0; k < dim; k++) {
            float sum = words[key * (dim + 1) + k] + contexts[key * (dim + 1) + k];
            fwrite(&sum, sizeof sum, 1, file);
        }
    return fclose(file) ? 1 : 0;
}
