/* Autocorrelation times, and differences between runs. */
#include "dependence.h"

#define WINDOW 5.0 /* of the autocorrelation time */
#define LAGS_MAX 5000u

double statistics_dependence(const double *values, size_t count) {
    if (count < 4)
        return 1;
    double mean = 0, variance = 0, time = 1;
    bool constant = true;
    for (size_t i = 1; i < count && constant; i++)
        constant = !(values[i] < values[0]) && !(values[i] > values[0]);
    if (constant)
        return 1;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        variance += (values[i] - mean) * (values[i] - mean);
    for (size_t lag = 1; lag < count / 2 && lag < LAGS_MAX; lag++) {
        double covariance = 0;
        for (size_t i = lag; i < count; i++)
            covariance += (values[i] - mean) * (values[i - lag] - mean);
        time += 2 * covariance / variance;
        if ((double)lag >= WINDOW * (time > 1 ? time : 1))
            break;
    }
    double most = (double)count / 2;
    return time < 1 ? 1 : time > most ? most : time;
}

double statistics_dependence_beyond(const double *values, size_t count, double level, bool above,
                                    double *scratch) {
    for (size_t i = 0; i < count; i++)
        scratch[i] = above ? values[i] > level : values[i] < level;
    return statistics_dependence(scratch, count);
}

double statistics_dispersion(const double *samples, const double *exceed, size_t runs) {
    double all = 0, beyond = 0, sum = 0;
    for (size_t i = 0; i < runs; i++) {
        all += samples[i];
        beyond += exceed[i];
    }
    if (runs < 2 || !(beyond > 0) || beyond >= all)
        return 1;
    double share = beyond / all;
    for (size_t i = 0; i < runs; i++) {
        double off = exceed[i] - samples[i] * share;
        sum += samples[i] > 0 ? off * off / (samples[i] * share * (1 - share)) : 0;
    }
    double dispersion = sum / (double)(runs - 1);
    return dispersion > 1 ? dispersion : 1;
}
