// SPDX-License-Identifier: Apache-2.0
//
// An LwM2M server over DTLS with Connection ID (RFC 9146), on Leshan and Californium.
//
//   java -cp JARS Server.java ENDPOINT IDENTITY HEXKEY [CID_BYTES]
//
// A port of the loopback interface that the kernel chooses; CID_BYTES 0 switches Connection ID off, 6 is
// the default. Each line of standard input is a command about ENDPOINT, and what happens is told as a line:
//
//   observe PATH | read PATH      -> answer CODE VALUE
//                                    listening PORT
//                                    registered | updated | deregistered HOST:PORT
//                                    notification PATH VALUE
//
// The end of the input ends it.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.util.Collection;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.util.Hex;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.californium.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.server.californium.endpoint.coaps.CoapsServerProtocolProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

public class Server {
    private static final long DEVICE_MS = 20000;

    private static synchronized void tell(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static String valueOf(LwM2mNode node) {
        return node instanceof LwM2mSingleResource ? ((LwM2mSingleResource) node).getValue().toString()
                                                   : String.valueOf(node);
    }

    private static String addressOf(Registration registration) {
        InetSocketAddress address = registration.getSocketAddress();
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    private static class Registrations implements RegistrationListener {
        @Override
        public void registered(Registration now, Registration before, Collection<Observation> gone) {
            tell("registered " + addressOf(now));
        }

        @Override
        public void updated(RegistrationUpdate update, Registration now, Registration before) {
            tell("updated " + addressOf(now));
        }

        @Override
        public void unregistered(Registration was, Collection<Observation> gone, boolean expired,
                Registration next) {
            tell("deregistered " + addressOf(was));
        }
    }

    private static class Observations implements ObservationListener {
        @Override
        public void newObservation(Observation observation, Registration registration) {
        }

        @Override
        public void cancelled(Observation observation) {
        }

        @Override
        public void onResponse(SingleObservation observation, Registration registration,
                ObserveResponse response) {
            tell("notification " + observation.getPath() + " " + valueOf(response.getContent()));
        }

        @Override
        public void onResponse(CompositeObservation observation, Registration registration,
                ObserveCompositeResponse response) {
        }

        @Override
        public void onError(Observation observation, Registration registration, Exception error) {
            tell("error " + error);
        }
    }

    private static LeshanServer start(String endpoint, String identity, String key, int cidBytes)
            throws Exception {
        InMemorySecurityStore store = new InMemorySecurityStore();
        store.add(SecurityInfo.newPreSharedKeyInfo(endpoint, identity, Hex.decodeHex(key.toCharArray())));
        CaliforniumServerEndpointsProvider.Builder endpoints =
            new CaliforniumServerEndpointsProvider.Builder(new CoapsServerProtocolProvider());
        Configuration configuration = endpoints.createDefaultConfiguration();
        configuration.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, cidBytes == 0 ? null : cidBytes);
        endpoints.setConfiguration(configuration);
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", 0), Protocol.COAPS);
        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setSecurityStore(store);
        builder.setEndpointsProviders(endpoints.build());
        LeshanServer server = builder.build();
        server.getRegistrationService().addListener(new Registrations());
        server.getObservationService().addListener(new Observations());
        server.start();
        return server;
    }

    private static void carryOut(LeshanServer server, Registration registration, String[] words)
            throws InterruptedException {
        ReadResponse response = words[0].equals("observe")
            ? server.send(registration, new ObserveRequest(words[1]), DEVICE_MS)
            : server.send(registration, new ReadRequest(words[1]), DEVICE_MS);
        tell(response == null ? "answer none"
                              : "answer " + response.getCode().getCode() + " " + valueOf(response.getContent()));
    }

    public static void main(String[] args) throws Exception {
        LeshanServer server =
            start(args[0], args[1], args[2], args.length > 3 ? Integer.parseInt(args[3]) : 6);
        tell("listening " + server.getEndpoint(Protocol.COAPS).getURI().getPort());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Registration registration = server.getRegistrationService().getByEndpoint(args[0]);
            if (registration == null)
                tell("answer none");
            else
                carryOut(server, registration, line.split(" "));
        }
        server.destroy();
    }
}
